#include "posterior/draw_values.h"

#include <cmath>
#include <utility>

namespace riffle {

DrawValues::DrawValues(const Target& target, std::optional<std::uint64_t> seed)
    : target_(target),
      names_(target.parameter_names()),
      parameters_(names_.size()),
      missing_(parameters_, 0) {
  if (!seed) return;
  generator_ = target.generator(*seed);
  if (generator_ == nullptr) return;
  for (auto& name : target.generated_names()) names_.push_back(std::move(name));
}

void DrawValues::next(std::span<const double> z, std::span<double> values) {
  target_.constrain(z, values.first(parameters_));
  ++draws_;
  for (std::size_t i = 0; i < parameters_; ++i) missing_[i] += std::isnan(values[i]) ? 1 : 0;
  if (generator_ != nullptr) generator_->generate(z, values.subspan(parameters_));
}

std::vector<double> DrawValues::next(const Draws& draws) {
  const std::size_t n = draws.log_q.size();
  const std::size_t columns = names_.size();
  std::vector<double> values(n * columns);
  for (std::size_t i = 0; i < n; ++i) {
    next(std::span(draws.z).subspan(i * draws.dim, draws.dim),
         std::span(values).subspan(i * columns, columns));
  }
  return values;
}

TargetFailures DrawValues::failures() const {
  return generator_ == nullptr ? TargetFailures{} : generator_->failures();
}

MissingValues DrawValues::missing() const {
  MissingValues result;
  for (std::size_t i = 0; i < parameters_; ++i) {
    if (draws_ > 0 && missing_[i] == draws_) {
      result.nowhere.push_back(names_[i]);
    } else if (missing_[i] > result.count) {
      result.count = missing_[i];
      result.name = names_[i];
    }
  }
  return result;
}

}  // namespace riffle
