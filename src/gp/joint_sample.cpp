#include "gp/joint_sample.hpp"

#include "optimize/transpose.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace warpbo::gp {

namespace {

using backend::Arena;
using backend::Matrix;

Matrix upload_queries(Arena& arena, std::span<const double> queries, std::int64_t count, std::int64_t dimensions) {
  const Matrix out = arena.matrix(count, dimensions);
  const std::vector<double> columns = optimize::transposed(queries, count, dimensions);
  arena.backend().upload(out.data, columns.data(), columns.size() * sizeof(double));
  return out;
}

/// covariance <- L of the posterior covariance at the queries, relative to the outputscale.
bool factor_covariance(const Regression& regression, const Matrix& queries, const Matrix& whitened, double jitter,
                       const Matrix& covariance) {
  Arena& arena = regression.arena();
  Arena::Scope scope(arena);
  backend::Backend& backend = arena.backend();
  const auto no_noise = arena.vector<double>(queries.rows);
  backend.fill(Matrix{no_noise.data, queries.rows, 1, queries.rows, 1, 0}, 0);
  backend.run(backend::Gram{regression.kernel(), queries, regression.theta_view(), no_noise, jitter, covariance});
  backend.run(backend::Multiply{whitened, true, false, whitened, false, -1, 1, covariance});
  // A number that is none spreads to the last entry of the factor: with info it tells, in one wait, whether there is a factor.
  const backend::Vector report = arena.vector<double>(2);
  backend.run(backend::Cholesky{covariance, 0, {reinterpret_cast<std::int32_t*>(report.data), 1}});
  backend.copy(covariance.block(queries.rows - 1, queries.rows - 1, 1, 1), Matrix{report.data + 1, 1, 1, 1, 1, 0});
  double host[2];
  backend.download(host, report.data, sizeof host);
  std::int32_t failed = 0;
  std::memcpy(&failed, host, sizeof failed);
  return failed == 0 && std::isfinite(host[1]);
}

}  // namespace

Moments predict(const Regression& regression, std::span<const double> queries) {
  const std::int64_t m = static_cast<std::int64_t>(queries.size()) / regression.dimensions();
  if (m == 0) return {};
  Arena& arena = regression.arena();
  Arena::Scope scope(arena);
  backend::Posterior posterior;
  posterior.model = regression.model();
  posterior.queries = upload_queries(arena, queries, m, regression.dimensions());
  const Matrix moments = arena.matrix(m, 2);
  posterior.mean = moments.block(0, 0, m, 1);
  posterior.variance = {moments.data + m, m};
  arena.backend().run(posterior);
  std::vector<double> host(static_cast<std::size_t>(2 * m));
  arena.backend().download(host.data(), moments.data, host.size() * sizeof(double));
  const auto middle = host.begin() + static_cast<std::ptrdiff_t>(m);
  return {{host.begin(), middle}, {middle, host.end()}};
}

std::vector<double> joint_sample(const Regression& regression, std::span<const double> queries, std::int64_t count,
                                 std::uint64_t seed) {
  const std::int64_t m = static_cast<std::int64_t>(queries.size()) / regression.dimensions();
  std::vector<double> samples(static_cast<std::size_t>(count * m));
  if (samples.empty()) return samples;
  Arena& arena = regression.arena();
  Arena::Scope scope(arena);
  backend::Backend& backend = arena.backend();

  backend::Posterior posterior;
  posterior.model = regression.model();
  const Matrix points = upload_queries(arena, queries, m, regression.dimensions());
  posterior.queries = points;
  posterior.mean = arena.matrix(m, 1);
  posterior.whitened = arena.matrix(regression.observations(), m);
  backend.run(posterior);

  // The covariance is a small difference of large matrices wherever the data is dense: its rounding errors are of size n eps.
  const Matrix factor = arena.matrix(m, m);
  double jitter = static_cast<double>(m + regression.observations()) * std::numeric_limits<double>::epsilon();
  for (int step = 0; step < 10 && !factor_covariance(regression, points, posterior.whitened, jitter, factor); ++step)
    jitter *= 10;

  const Matrix normals = arena.matrix(m, count);
  const Matrix out = arena.matrix(m, count);
  backend.run(backend::FillRandom{normals, seed, 0, true});
  const double sd = std::sqrt(regression.outputscale());
  backend.run(backend::Multiply{factor, false, true, normals, false, sd, 0, out});
  std::vector<double> mean(static_cast<std::size_t>(m));
  backend.download(samples.data(), out.data, samples.size() * sizeof(double));
  backend.download(mean.data(), posterior.mean.data, mean.size() * sizeof(double));
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] += mean[i % mean.size()];
  return samples;
}

}  // namespace warpbo::gp
