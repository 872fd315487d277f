#include "posterior/affine_parameters.h"

#include <cmath>

namespace riffle {

using Eigen::Index;

std::vector<double> affine_parameters(const Normal& normal) {
  std::vector<double> params;
  const Index dim = normal.mean.size();
  for (Index i = 0; i < dim; ++i) params.push_back(std::log(normal.lower(i, i)));
  for (Index i = 0; i < dim; ++i) {
    for (Index j = 0; j < i; ++j) params.push_back(normal.lower(i, j));
  }
  params.insert(params.end(), normal.mean.begin(), normal.mean.end());
  return params;
}

Normal normal_of(std::span<const double> params, Index dim) {
  Normal normal{Eigen::VectorXd(dim), Eigen::MatrixXd::Zero(dim, dim)};
  std::size_t at = 0;
  for (Index i = 0; i < dim; ++i) normal.lower(i, i) = std::exp(params[at++]);
  for (Index i = 0; i < dim; ++i) {
    for (Index j = 0; j < i; ++j) normal.lower(i, j) = params[at++];
  }
  for (Index i = 0; i < dim; ++i) normal.mean[i] = params[at++];
  return normal;
}

}  // namespace riffle
