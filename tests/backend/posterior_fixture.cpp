#include "backend/posterior_fixture.hpp"

#include <cmath>
#include <limits>

namespace warpbo::backend::testing {

namespace {

HostMatrix with_poisoned_upper(const LongMatrix& lower) {
  HostMatrix out = narrow(lower);
  for (std::int64_t j = 0; j < out.columns; ++j)
    for (std::int64_t i = 0; i < j; ++i) out(i, j) = std::numeric_limits<double>::quiet_NaN();
  return out;
}

HostMatrix row_of(const std::vector<double>& values) {
  HostMatrix out(1, static_cast<std::int64_t>(values.size()));
  out.data = values;
  return out;
}

LongMatrix solve_weights(const Problem& problem, const LongMatrix& inverse, std::int64_t samples, double mean,
                         double outputscale) {
  LongMatrix residuals(problem.n, samples);
  for (std::int64_t s = 0; s < samples; ++s)
    for (std::int64_t i = 0; i < problem.n; ++i)
      residuals(i, s) = (problem.targets(i, 0) + 0.1L * static_cast<long double>(s) - mean) / outputscale;
  return reference_product(inverse, true, reference_product(inverse, false, residuals, false), false);
}

}  // namespace

FittedModel::FittedModel(std::shared_ptr<Backend> backend, const Problem& problem, std::int64_t samples, double mean,
                         double outputscale)
    : problem_(problem),
      mean_(mean),
      outputscale_(outputscale),
      factor_(reference_cholesky(reference_gram(problem))),
      inverse_(reference_inverse(factor_)),
      weights_(solve_weights(problem, inverse_, samples, mean, outputscale)),
      points_(backend, problem.points),
      theta_(backend, row_of(problem.theta)),
      device_inverse_(backend, with_poisoned_upper(inverse_)),
      device_weights_(backend, narrow(weights_)),
      categorical_(make_buffer(backend, problem.categorical)) {}

Model FittedModel::model() const {
  return {{problem_.family, categorical_.view()},
          points_.view(),
          theta_.view(),
          device_inverse_.view(),
          device_weights_.view(),
          mean_,
          outputscale_};
}

FittedModel::Moments FittedModel::moments(const HostMatrix& queries, std::int64_t row) const {
  LongMatrix k(problem_.n, 1);
  for (std::int64_t i = 0; i < problem_.n; ++i) k(i, 0) = reference_covariance(problem_, problem_.points, i, queries, row);
  Moments out;
  const LongMatrix products = reference_product(k, true, weights_, false);
  for (const long double product : products.data) out.mean.push_back(mean_ + outputscale_ * product);
  const LongMatrix whitened = reference_product(inverse_, false, k, false);
  long double explained = 0;
  for (const long double v : whitened.data) explained += v * v;
  out.variance = outputscale_ * std::max(1 - explained, 0.0L);
  return out;
}

HostMatrix random_queries(const Problem& problem, std::int64_t m, std::uint64_t seed) {
  HostMatrix queries = Problem(m, problem.d, 0, problem.family, seed).points;
  for (std::int64_t k = 0; k < problem.d; ++k) {
    if (problem.categorical[static_cast<std::size_t>(k)] != 0)
      for (std::int64_t i = 0; i < m; ++i) queries(i, k) = std::floor(3 * queries(i, k));
    if (m > 1 && problem.n > 0) queries(0, k) = problem.points(0, k);
  }
  return queries;
}

}  // namespace warpbo::backend::testing
