#include "core/parameters.h"

#include <functional>
#include <numeric>
#include <utility>

namespace riffle {

std::size_t ParameterView::size() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

void ParameterLayout::add(std::string name, std::string symbol, std::vector<std::size_t> shape) {
  ParameterView view{std::move(name), std::move(symbol), std::move(shape), size_};
  size_ += view.size();
  views_.push_back(std::move(view));
}

void ParameterLayout::append(const std::string& prefix, const ParameterLayout& other) {
  for (const auto& view : other.views()) add(prefix + view.name, view.symbol, view.shape);
}

}  // namespace riffle
