#include "acquisition/fantasy_model.hpp"

#include "math/quantile.hpp"
#include "math/sobol.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
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
  // Every sample begins with the same columns.
  backend::Arena& arena = regression_.arena();
  backend::Arena::Scope scope(arena);
  const Matrix ones = arena.matrix(1, columns_);
  backend_.fill(ones, 1);
  backend_.run(backend::Multiply{regression_.whitened_residuals(), false, false, ones, false, 1, 0,
                                 top(whitened_, capacity_, n_, columns_)});
  backend_.run(backend::Multiply{model.weights, false, false, ones, false, 1, 0, top(weights_, capacity_, n_, columns_)});
  best_.assign(static_cast<std::size_t>(columns_), incumbent_);
}

std::optional<std::vector<double>> FantasyModel::extend_factor(std::int64_t count, double jitter) {
  backend::Arena& arena = regression_.arena();
  backend::Arena::Scope scope(arena);
  const std::int64_t d = regression_.dimensions(), grown = n_ + count;
  const Matrix all = top(points_, capacity_, grown, d);
  const Matrix fresh = all.block(n_, 0, count, d);
  const Matrix square = top(factor_, capacity_, grown, grown);
  const backend::ConstVector no_noise{no_noise_.data(), count};
  // What the host wants to know lies together, so that it waits once: info, the last entry of the factor, the sampled values.
  const backend::Vector report = arena.vector<double>(2 + count * columns_);
  backend_.run(backend::CrossGram{regression_.kernel(), fresh, all.block(0, 0, n_, d), regression_.theta_view(),
                                  square.block(n_, 0, count, n_)});
  backend_.run(backend::Gram{regression_.kernel(), fresh, regression_.theta_view(), no_noise, jitter + regression_.jitter(),
                             square.block(n_, n_, count, count)});
  backend_.run(
      backend::Cholesky{square, n_, {reinterpret_cast<std::int32_t*>(report.data), 1}, top(inverse_, capacity_, n_, n_)});
  backend_.copy(square.block(grown - 1, grown - 1, 1, 1), Matrix{report.data + 1, 1, 1, 1, 1, 0});
  // Values are mean + L whitened.
  backend_.run(backend::Multiply{square.block(n_, 0, count, grown), false, false, top(whitened_, capacity_, grown, columns_),
                                 false, 1, 0, Matrix{report.data + 2, count, columns_, count, 1, 0}});
  std::vector<double> host(static_cast<std::size_t>(report.size));
  backend_.download(host.data(), report.data, host.size() * sizeof(double));
  std::int32_t failed = 0;
  std::memcpy(&failed, host.data(), sizeof failed);
  const bool finite = std::all_of(host.begin() + 1, host.end(), [](double value) { return std::isfinite(value); });
  if (failed != 0 || !finite || !(host[1] > 0)) return std::nullopt;
  diagonal_ = host[1];
  return std::vector<double>(host.begin() + 2, host.end());
}

std::vector<double> FantasyModel::draw_normals(std::int64_t count) const {
  const double sd = std::sqrt(regression_.outputscale());
  std::vector<double> normals(static_cast<std::size_t>(count * columns_));
  for (std::int64_t s = 0; s < columns_; ++s)
    for (std::int64_t j = 0; j < count; ++j)
      normals[static_cast<std::size_t>(j + s * count)] = sd * sobol_normal(seed_, s, n_ - first_ + j);
  return normals;
}

/// weights = L^-T whitened / outputscale: only the new rows of L^-1 add to it.
void FantasyModel::extend_weights(std::int64_t count) {
  const std::int64_t grown = n_ + count;
  const Matrix inverse = top(inverse_, capacity_, grown, grown);
  backend_.run(backend::TriangularInverse{top(factor_, capacity_, grown, grown), n_, inverse});
  const Matrix weights = top(weights_, capacity_, grown, columns_);
  backend_.fill(weights.block(n_, 0, count, columns_), 0);
  const Matrix fresh = top(whitened_, capacity_, grown, columns_).block(n_, 0, count, columns_);
  backend_.run(backend::Multiply{inverse.block(n_, 0, count, grown), true, false, fresh, false, 1 / regression_.outputscale(),
                                 1, weights});
}

bool FantasyModel::add(std::span<const double> points) {
  const std::int64_t d = regression_.dimensions();
  const auto count = static_cast<std::int64_t>(points.size()) / d;
  if (count == 0) return true;
  if (n_ + count > capacity_) return false;
  if (n_ == first_) begin();
  backend::Arena& arena = regression_.arena();
  backend::Arena::Scope scope(arena);
  const Matrix staged = arena.matrix(count, d), drawn = arena.matrix(count, columns_);
  const std::vector<double> columns = optimize::transposed(points, count, d), normals = draw_normals(count);
  backend_.upload(staged.data, columns.data(), columns.size() * sizeof(double));
  backend_.copy(staged, top(points_, capacity_, n_ + count, d).block(n_, 0, count, d));
  backend_.upload(drawn.data, normals.data(), normals.size() * sizeof(double));
  backend_.copy(drawn, top(whitened_, capacity_, n_ + count, columns_).block(n_, 0, count, columns_));
  std::optional<std::vector<double>> values;
  for (double jitter = 1e-10; !values && jitter < 1e-3; jitter *= 100) values = extend_factor(count, jitter);
  if (!values) {
    if (n_ == first_) forget();
    return false;
  }
  extend_weights(count);
  for (std::size_t i = 0; i < values->size(); ++i) {
    double& best = best_[i / static_cast<std::size_t>(count)];
    best = std::min(best, (*values)[i] + regression_.mean());
  }
  incumbents_.upload(best_);
  if (count == 1) innovations_.upload(normals);
  n_ += count;
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
