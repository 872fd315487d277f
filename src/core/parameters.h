#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace riffle {

/// One named tensor inside the flat parameter vector.
struct ParameterView {
  std::string name;                ///< such as "w"
  std::string symbol;              ///< as the paper writes it, such as "w ∈ R^D"
  std::vector<std::size_t> shape;  ///< row-major
  std::size_t offset = 0;          ///< of the first element, from the start of the vector

  std::size_t size() const;
};

/// Shape of one flat parameter vector, made of named views in order and without gaps. Parameters,
/// gradients, moments and checkpoints share it. It owns no numbers.
class ParameterLayout {
 public:
  /// Appends a view behind the last one.
  void add(std::string name, std::string symbol, std::vector<std::size_t> shape);
  /// Appends all views of another layout, their names prefixed.
  void append(const std::string& prefix, const ParameterLayout& other);

  std::size_t size() const { return size_; }
  std::span<const ParameterView> views() const { return views_; }

 private:
  std::vector<ParameterView> views_;
  std::size_t size_ = 0;
};

}  // namespace riffle
