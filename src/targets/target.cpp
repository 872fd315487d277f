#include "riffle/target.h"

#include <algorithm>
#include <cassert>

namespace riffle {

std::vector<std::string> Target::parameter_names() const {
  std::vector<std::string> names;
  for (std::size_t d = 1; d <= dim(); ++d) names.push_back("z." + std::to_string(d));
  return names;
}

void Target::constrain(std::span<const double> z, std::span<double> theta) const {
  assert(z.size() == dim() && theta.size() == dim());
  std::copy(z.begin(), z.end(), theta.begin());
}

bool Target::unconstrain(std::span<const double> theta, std::span<double> z) const {
  if (theta.size() != z.size()) return false;
  std::copy(theta.begin(), theta.end(), z.begin());
  std::vector<double> again(parameter_names().size());
  if (again.size() < theta.size()) return false;
  constrain(z, again);
  return std::equal(theta.begin(), theta.end(), again.begin());
}

}  // namespace riffle
