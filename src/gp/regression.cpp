#include "gp/regression.hpp"

#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace warpbo::gp {

namespace {

using backend::Arena;
using backend::ConstMatrix;
using backend::Matrix;

bool any_categorical(const Settings& settings) {
  return std::any_of(settings.categorical.begin(), settings.categorical.end(), [](std::uint8_t c) { return c != 0; });
}

}  // namespace

Regression::Regression(std::shared_ptr<backend::Backend> backend, Settings settings)
    : backend_(std::move(backend)),
      arena_(std::make_unique<Arena>(backend_)),
      settings_(std::move(settings)),
      dimensions_(static_cast<std::int64_t>(settings_.categorical.size())),
      theta_buffer_(backend_, dimensions_ + 1) {
  if (any_categorical(settings_)) {
    categorical_ = backend::Buffer<std::uint8_t>(backend_, dimensions_);
    categorical_.upload(settings_.categorical);
  }
}

void Regression::reserve(std::int64_t count) {
  if (count <= capacity_) return;
  const std::int64_t wider = std::max<std::int64_t>({count, capacity_ * 2, 32});
  const auto grow = [&](Grown& old, std::int64_t columns, std::int64_t kept_columns) {
    Grown fresh{backend::Buffer<double>(backend_, wider * columns), wider};
    if (n_ > 0) backend_->copy(old.rows(n_, kept_columns), fresh.rows(n_, kept_columns));
    old = std::move(fresh);
  };
  grow(points_, dimensions_, dimensions_);
  for (Grown* column : {&targets_, &noise_weights_, &whitened_, &weights_}) grow(*column, 1, 1);
  for (Grown* square : {&factor_, &inverse_}) grow(*square, wider, n_);
  capacity_ = wider;
}

void Regression::upload_rows(std::int64_t first, std::span<const double> points, std::span<const double> targets) {
  const auto count = static_cast<std::int64_t>(targets.size());
  Arena::Scope scope(*arena_);
  const Matrix staged = arena_->matrix(count, dimensions_);
  const std::vector<double> columns = optimize::transposed(points, count, dimensions_);
  backend_->upload(staged.data, columns.data(), columns.size() * sizeof(double));
  backend_->copy(staged, points_.rows(capacity_, dimensions_).block(first, 0, count, dimensions_));
  backend_->upload(targets_.buffer.data() + first, targets.data(), targets.size_bytes());
}

void Regression::set_data(std::span<const double> points, std::span<const double> targets,
                          std::span<const double> noise_weights) {
  n_ = 0;
  const auto count = static_cast<std::int64_t>(targets.size());
  reserve(count);
  upload_rows(0, points, targets);
  weighted_ = !noise_weights.empty();
  if (weighted_) backend_->upload(noise_weights_.buffer.data(), noise_weights.data(), noise_weights.size_bytes());
  n_ = count;
}

backend::KernelSpec Regression::kernel() const { return {settings_.family, categorical_.view()}; }

backend::ConstVector Regression::noise_weights() const {
  if (!weighted_) return {};
  return {noise_weights_.buffer.data(), n_};
}

double Regression::noise() const { return theta_.empty() ? 0 : std::exp(theta_.back()); }

bool Regression::try_factorize(double jitter) {
  Arena::Scope scope(*arena_);
  const auto info = arena_->vector<std::int32_t>(1);
  const Matrix square = factor_.rows(n_, n_);
  backend_->run(backend::Gram{kernel(), points(), theta_view(), noise_weights(), jitter, square});
  backend_->run(backend::Cholesky{square, 0, info});
  std::int32_t failed = 0;
  backend_->download(&failed, info.data, sizeof failed);
  return failed == 0;
}

bool Regression::factorize(const Theta& theta) {
  theta_ = theta;
  theta_buffer_.upload(theta_);
  // Relative to the mean diagonal, beginning at the size of the rounding errors of the matrix itself.
  const double diagonal = 1 + noise();
  const double first = static_cast<double>(n_) * std::numeric_limits<double>::epsilon() * diagonal;
  jitter_ = 0;
  bool done = try_factorize(0);
  for (int step = 0; !done && step < 10; ++step) {
    jitter_ = first * std::pow(10.0, step);
    done = try_factorize(jitter_);
  }
  if (!done) return false;
  backend_->run(backend::TriangularInverse{factor(), 0, inverse_.rows(n_, n_)});
  solve();
  return std::isfinite(mean_) && std::isfinite(outputscale_) && outputscale_ > 0;
}

bool Regression::append(std::span<const double> points, std::span<const double> targets) {
  const auto count = static_cast<std::int64_t>(targets.size());
  if (count == 0) return true;
  reserve(n_ + count);
  upload_rows(n_, points, targets);
  const std::int64_t old = n_;
  Arena::Scope scope(*arena_);
  if (weighted_) backend_->fill(noise_weights_.rows(capacity_, 1).block(old, 0, count, 1), 1);
  n_ += count;
  const ConstMatrix fresh = this->points().block(old, 0, count, dimensions_);
  const Matrix square = factor_.rows(n_, n_);
  const auto info = arena_->vector<std::int32_t>(1);
  backend_->run(backend::CrossGram{kernel(), fresh, this->points().block(0, 0, old, dimensions_), theta_view(),
                                   square.block(old, 0, count, old)});
  backend_->run(backend::Gram{kernel(), fresh, theta_view(), {}, jitter_, square.block(old, old, count, count)});
  backend_->run(backend::Cholesky{square, old, info});
  std::int32_t failed = 0;
  backend_->download(&failed, info.data, sizeof failed);
  if (failed != 0) return false;
  backend_->run(backend::TriangularInverse{factor(), old, inverse_.rows(n_, n_)});
  solve();
  return std::isfinite(mean_) && std::isfinite(outputscale_);
}

bool Regression::set_targets(std::span<const double> targets) {
  backend_->upload(targets_.buffer.data(), targets.data(), targets.size_bytes());
  solve();
  return std::isfinite(mean_) && std::isfinite(outputscale_) && outputscale_ > 0;
}

void Regression::solve() {
  Arena::Scope scope(*arena_);
  const ConstMatrix inverse = inverse_.rows(n_, n_);
  // b = L^-1 [y 1]; their inner products are y'C^-1 y, y'C^-1 1 and 1'C^-1 1.
  const Matrix right = arena_->matrix(n_, 2);
  const Matrix b = arena_->matrix(n_, 2);
  const Matrix products = arena_->matrix(2, 2);
  backend_->copy(targets(), right.block(0, 0, n_, 1));
  backend_->fill(right.block(0, 1, n_, 1), 1);
  backend_->run(backend::Multiply{inverse, false, true, right, false, 1, 0, b});
  backend_->run(backend::Multiply{b, true, false, b, false, 1, 0, products});
  double host[4];
  backend_->download(host, products.data, sizeof host);
  mean_ = host[1] / host[3];

  const Matrix combination = arena_->matrix(2, 1);
  const double coefficients[2] = {1, -mean_};
  backend_->upload(combination.data, coefficients, sizeof coefficients);
  const Matrix residuals = whitened_.rows(n_, 1);
  const Matrix square = arena_->matrix(1, 1);
  backend_->run(backend::Multiply{b, false, false, combination, false, 1, 0, residuals});
  backend_->run(backend::Multiply{residuals, true, false, residuals, false, 1, 0, square});
  backend_->download(&quadratic_, square.data, sizeof quadratic_);
  const backend::HyperPrior& prior = settings_.prior;
  outputscale_ = (quadratic_ + 2 * prior.rate) / (static_cast<double>(n_) + 2 * prior.shape + 2);
  backend_->run(backend::Multiply{inverse, true, true, residuals, false, 1 / outputscale_, 0, weights_.rows(n_, 1)});
}

backend::Model Regression::model() const {
  return {kernel(), points(), theta_view(), inverse_.rows(n_, n_), weights_.rows(n_, 1), mean_, outputscale_};
}

Regression::LeaveOneOut Regression::leave_one_out() const {
  // [C^-1]_ii is the squared norm of column i of L^-1, and C^-1 (y - mean) = outputscale * weights.
  std::vector<double> inverse(static_cast<std::size_t>(capacity_ * n_));
  std::vector<double> weights(static_cast<std::size_t>(n_)), targets(static_cast<std::size_t>(n_));
  backend_->download(inverse.data(), inverse_.buffer.data(), inverse.size() * sizeof(double));
  backend_->download(weights.data(), weights_.buffer.data(), weights.size() * sizeof(double));
  backend_->download(targets.data(), targets_.buffer.data(), targets.size() * sizeof(double));
  LeaveOneOut out;
  for (std::int64_t i = 0; i < n_; ++i) {
    const double* column = inverse.data() + i * capacity_;
    double diagonal = 0;
    for (std::int64_t k = i; k < n_; ++k) diagonal += column[k] * column[k];
    const auto at = static_cast<std::size_t>(i);
    out.mean.push_back(targets[at] - outputscale_ * weights[at] / diagonal);
    out.variance.push_back(outputscale_ / diagonal);
  }
  return out;
}

double Regression::log_marginal_likelihood() const {
  std::vector<double> factor(static_cast<std::size_t>(capacity_ * n_));
  backend_->download(factor.data(), factor_.buffer.data(), factor.size() * sizeof(double));
  double log_determinant = 0;
  for (std::int64_t i = 0; i < n_; ++i) log_determinant += 2 * std::log(factor[static_cast<std::size_t>(i * capacity_ + i)]);
  const double n = static_cast<double>(n_);
  return -0.5 * (quadratic_ / outputscale_ + log_determinant + n * std::log(2 * std::numbers::pi * outputscale_));
}

}  // namespace warpbo::gp
