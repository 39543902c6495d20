#include "acquisition/fantasy_model.hpp"

#include "math/quantile.hpp"
#include "math/sobol.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::acquisition {

namespace {

using backend::Buffer;
using backend::Matrix;

/// The first `rows` rows of a column-major buffer with `leading` rows.
Matrix top(const Buffer<double>& buffer, std::int64_t leading, std::int64_t rows, std::int64_t columns) {
  return {buffer.data(), rows, columns, leading, 1, 0};
}

/// Standard normal number `point` of quasi-random sample `sample`: one Sobol' dimension per point.
double sobol_normal(std::uint64_t seed, std::int64_t sample, std::int64_t point) {
  const double u = math::sobol_uniform(math::sobol_directions(), seed, static_cast<std::uint64_t>(sample),
                                       static_cast<std::uint64_t>(point));
  return math::normal_quantile(std::clamp(u, 0x1p-40, 1 - 0x1p-40));
}

}  // namespace

FantasyModel::FantasyModel(const gp::Regression& regression, std::int64_t extra, std::int64_t samples, double incumbent,
                           std::uint64_t seed)
    : regression_(regression),
      backend_(*regression.backend()),
      capacity_(regression.observations() + extra),
      wanted_samples_(samples),
      n_(regression.observations()),
      first_(n_),
      incumbent_(incumbent),
      seed_(seed) {
  forget();
}

/// Back to the regression alone.
void FantasyModel::forget() {
  columns_ = 1;
  best_ = {incumbent_};
  incumbents_ = Buffer<double>(regression_.backend(), 1);
  incumbents_.upload(best_);
}

void FantasyModel::begin() {
  const auto& backend = regression_.backend();
  const std::int64_t d = regression_.dimensions();
  columns_ = wanted_samples_;
  points_ = Buffer<double>(backend, capacity_ * d);
  factor_ = Buffer<double>(backend, capacity_ * capacity_);
  inverse_ = Buffer<double>(backend, capacity_ * capacity_);
  whitened_ = Buffer<double>(backend, capacity_ * columns_);
  weights_ = Buffer<double>(backend, capacity_ * columns_);
  innovations_ = Buffer<double>(backend, columns_);
  incumbents_ = Buffer<double>(backend, columns_);
  no_noise_ = Buffer<double>(backend, capacity_);
  // The corners above the diagonal of new rows are read as part of whole rows below: they must be zero.
  for (const Buffer<double>* square : {&factor_, &inverse_}) backend_.fill(top(*square, capacity_, capacity_, capacity_), 0);
  backend_.fill(top(no_noise_, capacity_, capacity_, 1), 0);
  const backend::Model model = regression_.model();
  backend_.copy(regression_.points(), top(points_, capacity_, n_, d));
  backend_.copy(regression_.factor(), top(factor_, capacity_, n_, n_));
  backend_.copy(model.inverse_factor, top(inverse_, capacity_, n_, n_));
  for (std::int64_t s = 0; s < columns_; ++s) {
    backend_.copy(regression_.whitened_residuals(), top(whitened_, capacity_, n_, columns_).block(0, s, n_, 1));
    backend_.copy(model.weights, top(weights_, capacity_, n_, columns_).block(0, s, n_, 1));
  }
  best_.assign(static_cast<std::size_t>(columns_), incumbent_);
}

bool FantasyModel::extend_factor(std::int64_t count) {
  backend::Arena& arena = regression_.arena();
  backend::Arena::Scope scope(arena);
  const auto info = arena.vector<std::int32_t>(1);
  const std::int64_t d = regression_.dimensions();
  const Matrix all = top(points_, capacity_, n_ + count, d);
  const Matrix fresh = all.block(n_, 0, count, d);
  const Matrix square = top(factor_, capacity_, n_ + count, n_ + count);
  const backend::ConstVector no_noise{no_noise_.data(), count};
  for (double jitter = 1e-10; jitter < 1e-3; jitter *= 100) {
    backend_.run(backend::CrossGram{regression_.kernel(), fresh, all.block(0, 0, n_, d), regression_.theta_view(),
                                    square.block(n_, 0, count, n_)});
    backend_.run(backend::Gram{regression_.kernel(), fresh, regression_.theta_view(), no_noise, jitter + regression_.jitter(),
                               square.block(n_, n_, count, count)});
    backend_.run(backend::Cholesky{square, n_, info});
    std::int32_t failed = 0;
    backend_.download(&failed, info.data, sizeof failed);
    if (failed == 0) return true;
  }
  return false;
}

void FantasyModel::draw(std::int64_t count) {
  backend::Arena& arena = regression_.arena();
  backend::Arena::Scope scope(arena);
  const double sd = std::sqrt(regression_.outputscale());
  std::vector<double> normals(static_cast<std::size_t>(count * columns_));
  for (std::int64_t s = 0; s < columns_; ++s)
    for (std::int64_t j = 0; j < count; ++j)
      normals[static_cast<std::size_t>(j + s * count)] = sd * sobol_normal(seed_, s, n_ - first_ + j);
  const Matrix staged = arena.matrix(count, columns_);
  backend_.upload(staged.data, normals.data(), normals.size() * sizeof(double));
  const Matrix whitened = top(whitened_, capacity_, n_ + count, columns_);
  backend_.copy(staged, whitened.block(n_, 0, count, columns_));
  if (count == 1) innovations_.upload(normals);

  // weights = L^-T whitened / outputscale: only the new rows of L^-1 add to it.
  const Matrix weights = top(weights_, capacity_, n_ + count, columns_);
  backend_.fill(weights.block(n_, 0, count, columns_), 0);
  const Matrix new_rows = top(inverse_, capacity_, n_ + count, n_ + count).block(n_, 0, count, n_ + count);
  backend_.run(backend::Multiply{new_rows, true, false, whitened.block(n_, 0, count, columns_), false,
                                 1 / regression_.outputscale(), 1, weights});

  // The sampled values themselves: mean + L whitened.
  const Matrix values = arena.matrix(count, columns_);
  const Matrix factor_rows = top(factor_, capacity_, n_ + count, n_ + count).block(n_, 0, count, n_ + count);
  backend_.run(backend::Multiply{factor_rows, false, false, whitened, false, 1, 0, values});
  std::vector<double> host(normals.size());
  backend_.download(host.data(), values.data, host.size() * sizeof(double));
  for (std::size_t i = 0; i < host.size(); ++i) {
    double& best = best_[i / static_cast<std::size_t>(count)];
    best = std::min(best, host[i] + regression_.mean());
  }
  incumbents_.upload(best_);
}

bool FantasyModel::add(std::span<const double> points) {
  const std::int64_t d = regression_.dimensions();
  const auto count = static_cast<std::int64_t>(points.size()) / d;
  if (count == 0) return true;
  if (n_ + count > capacity_) return false;
  if (n_ == first_) begin();
  backend::Arena& arena = regression_.arena();
  backend::Arena::Scope scope(arena);
  const Matrix staged = arena.matrix(count, d);
  const std::vector<double> columns = optimize::transposed(points, count, d);
  backend_.upload(staged.data, columns.data(), columns.size() * sizeof(double));
  backend_.copy(staged, top(points_, capacity_, n_ + count, d).block(n_, 0, count, d));
  if (!extend_factor(count)) {
    if (n_ == first_) forget();
    return false;
  }
  const std::int64_t grown = n_ + count;
  backend_.run(backend::TriangularInverse{top(factor_, capacity_, grown, grown), n_, top(inverse_, capacity_, grown, grown)});
  backend_.download(&diagonal_, factor_.data() + (grown - 1) * (capacity_ + 1), sizeof diagonal_);
  draw(count);
  n_ = grown;
  return true;
}

backend::Model FantasyModel::model() const {
  if (n_ == first_) return regression_.model();
  return {regression_.kernel(),
          top(points_, capacity_, n_, regression_.dimensions()),
          regression_.theta_view(),
          top(inverse_, capacity_, n_, n_),
          top(weights_, capacity_, n_, columns_),
          regression_.mean(),
          regression_.outputscale()};
}

backend::ConstMatrix FantasyModel::last_point() const {
  return top(points_, capacity_, n_, regression_.dimensions()).block(n_ - 1, 0, 1, regression_.dimensions());
}

backend::ConstMatrix FantasyModel::last_row() const { return top(factor_, capacity_, n_, n_).block(n_ - 1, 0, 1, n_ - 1); }

}  // namespace warpbo::acquisition
