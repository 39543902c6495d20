#include "gp/regression.hpp"

#include "optimize/transpose.hpp"

#include <warpbo/error.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace warpbo::gp {

namespace {

using backend::Arena;
using backend::ConstMatrix;
using backend::Matrix;

/// Up to this capacity the upper triangle of L^-1 is zero, so that a whole column can be taken as it is: nobody writes there. A
/// larger one is left as it comes: to touch it would take memory that is never used otherwise.
constexpr std::int64_t kClearedRows = 1024;
/// Columns of L^-1 whose norms are taken at a time where it is not zero.
constexpr std::int64_t kNormColumns = 256;

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
  // A large matrix grows by an eighth: twice the side would be four times the memory.
  const std::int64_t grown = capacity_ < kClearedRows ? capacity_ * 2 : capacity_ + capacity_ / 8;
  const std::int64_t wider = std::max<std::int64_t>({count, grown, 32});
  const auto grow = [&](Grown& old, std::int64_t columns, std::int64_t kept_columns) {
    Grown fresh{backend::Buffer<double>(backend_, wider * columns), wider};
    if (&old == &inverse_ && wider <= kClearedRows) backend_->fill(fresh.rows(wider, columns), 0);
    if (n_ > 0) backend_->copy(old.rows(n_, kept_columns), fresh.rows(n_, kept_columns));
    old = std::move(fresh);
  };
  grow(points_, dimensions_, dimensions_);
  for (Grown* column : {&targets_, &noise_weights_, &whitened_, &weights_}) grow(*column, 1, 1);
  for (Grown* square : {&factor_, &inverse_}) grow(*square, wider, n_);
  capacity_ = wider;
}

std::size_t Regression::bytes() const noexcept {
  std::size_t doubles = 0;
  for (const Grown* grown : {&points_, &targets_, &noise_weights_, &factor_, &inverse_, &whitened_, &weights_})
    doubles += static_cast<std::size_t>(grown->buffer.size());
  return doubles * sizeof(double) + arena_->reserved();
}

void Regression::upload_rows(std::int64_t first, std::span<const double> points) {
  const auto count = static_cast<std::int64_t>(points.size()) / dimensions_;
  if (count == 0) return;
  Arena::Scope scope(*arena_);
  const Matrix staged = arena_->matrix(count, dimensions_);
  const std::vector<double> columns = optimize::transposed(points, count, dimensions_);
  backend_->upload(staged.data, columns.data(), columns.size() * sizeof(double));
  backend_->copy(staged, points_.rows(capacity_, dimensions_).block(first, 0, count, dimensions_));
}

void Regression::upload_targets(std::span<const double> targets) {
  backend_->upload(targets_.buffer.data(), targets.data(), targets.size_bytes());
}

void Regression::set_data(std::span<const double> points, std::span<const double> targets,
                          std::span<const double> noise_weights) {
  n_ = 0;
  const auto count = static_cast<std::int64_t>(targets.size());
  reserve(count);
  upload_rows(0, points);
  upload_targets(targets);
  weighted_ = !noise_weights.empty();
  if (weighted_) backend_->upload(noise_weights_.buffer.data(), noise_weights.data(), noise_weights.size_bytes());
  host_points_.assign(points.begin(), points.end());
  host_targets_.assign(targets.begin(), targets.end());
  host_noise_weights_.assign(noise_weights.begin(), noise_weights.end());
  n_ = count;
}

backend::KernelSpec Regression::kernel() const { return {settings_.family, categorical_.view()}; }

backend::ConstVector Regression::noise_weights() const {
  if (!weighted_) return {};
  return {noise_weights_.buffer.data(), n_};
}

double Regression::noise() const { return theta_.empty() ? 0 : std::exp(theta_.back()); }

/// What C has on its diagonal beside the kernel's 1.
std::vector<double> Regression::diagonal_noise() const {
  std::vector<double> out(static_cast<std::size_t>(n_), 1);
  if (weighted_) out = host_noise_weights_;
  const double relative = noise();
  for (double& entry : out) entry = relative * entry + jitter_;
  return out;
}

bool Regression::try_factorize(double jitter) {
  jitter_ = jitter;
  Arena::Scope scope(*arena_);
  Report* report = arena_->vector<Report>(1).data;
  const Matrix square = factor_.rows(n_, n_);
  backend_->run(backend::Gram{kernel(), points(), theta_view(), noise_weights(), jitter, square});
  backend_->run(backend::Cholesky{square, 0, {&report->info, 1}});
  // Queued before it is known whether there is a factor: the host waits once, not twice.
  backend_->run(backend::TriangularInverse{factor(), 0, inverse_.rows(n_, n_)});
  return solve(report);
}

bool Regression::factorize(const Theta& theta) {
  theta_ = theta;
  theta_buffer_.upload(theta_);
  // Relative to the mean diagonal, beginning at the size of the rounding errors of the matrix itself.
  const double first = static_cast<double>(n_) * std::numeric_limits<double>::epsilon() * (1 + noise());
  bool done = try_factorize(0);
  for (int step = 0; !done && step < 10; ++step) {
    ++failures_;
    done = try_factorize(first * std::pow(10.0, step));
  }
  if (!done) ++failures_;
  return done;
}

bool Regression::append(std::span<const double> points, std::span<const double> targets) {
  std::vector<double> all = host_targets_;
  all.insert(all.end(), targets.begin(), targets.end());
  return extend(points, all);
}

bool Regression::extend(std::span<const double> points, std::span<const double> targets) {
  const auto count = static_cast<std::int64_t>(targets.size());
  const std::int64_t old = n_;
  reserve(count);
  upload_rows(old, points);
  upload_targets(targets);
  const std::vector<double> old_targets = std::exchange(host_targets_, {targets.begin(), targets.end()});
  host_points_.insert(host_points_.end(), points.begin(), points.end());
  if (weighted_) host_noise_weights_.resize(targets.size(), 1);
  n_ = count;
  try {
    const bool done = extend_factor(old);
    if (!done) ++failures_;
    return done;
  } catch (...) {
    n_ = old;
    host_targets_ = old_targets;
    host_points_.resize(static_cast<std::size_t>(old * dimensions_));
    if (weighted_) host_noise_weights_.resize(old_targets.size());
    throw;
  }
}

/// The rows of L and L^-1 from `old` on.
bool Regression::extend_factor(std::int64_t old) {
  Arena::Scope scope(*arena_);
  Report* report = arena_->vector<Report>(1).data;
  const std::int64_t count = n_ - old;
  if (count == 0) {
    const std::int32_t success = 0;
    backend_->upload(&report->info, &success, sizeof success);
    return solve(report);
  }
  if (weighted_) backend_->fill(noise_weights_.rows(capacity_, 1).block(old, 0, count, 1), 1);
  const ConstMatrix fresh = points().block(old, 0, count, dimensions_);
  const Matrix square = factor_.rows(n_, n_);
  backend_->run(backend::CrossGram{kernel(), fresh, points().block(0, 0, old, dimensions_), theta_view(),
                                   square.block(old, 0, count, old)});
  backend_->run(backend::Gram{kernel(), fresh, theta_view(), {}, jitter_, square.block(old, old, count, count)});
  backend_->run(backend::Cholesky{square, old, {&report->info, 1}, inverse_.rows(old, old)});
  backend_->run(backend::TriangularInverse{factor(), old, inverse_.rows(n_, n_)});
  return solve(report);
}

bool Regression::solve(Report* report) {
  Arena::Scope scope(*arena_);
  const ConstMatrix inverse = inverse_.rows(n_, n_);
  const std::int64_t probes = std::min(n_, Report::kProbes), first = n_ - probes;
  // b = L^-1 [y 1] and z = C^-1 [y 1].
  const Matrix right = arena_->matrix(n_, 2), b = arena_->matrix(n_, 2), z = arena_->matrix(n_, 2);
  const Matrix cross = arena_->matrix(probes, n_), combination = arena_->matrix(2, 1);
  backend_->copy(targets(), right.block(0, 0, n_, 1));
  backend_->fill(right.block(0, 1, n_, 1), 1);
  backend_->run(backend::Multiply{inverse, false, true, right, false, 1, 0, b});
  backend_->run(backend::Multiply{inverse, true, true, b, false, 1, 0, z});
  backend_->run(backend::Multiply{b, true, false, b, false, 1, 0, Matrix{report->products, 2, 2, 2, 1, 0}});
  backend_->run(backend::Multiply{z, true, false, z, false, 1, 0, Matrix{report->squares, 2, 2, 2, 1, 0}});
  backend_->run(backend::CrossGram{kernel(), points().block(first, 0, probes, dimensions_), points(), theta_view(), cross});
  backend_->run(backend::Multiply{cross, false, false, z, false, 1, 0, Matrix{report->covariances, probes, 2, probes, 1, 0}});
  backend_->copy(z.block(first, 0, probes, 2), Matrix{report->solutions, probes, 2, probes, 1, 0});
  Report host;
  backend_->download(&host, report, sizeof host);
  if (!trustworthy(host)) return false;
  mean_ = host.products[1] / host.products[3];

  // whitened = b (1, -mean)' and weights = z (1, -mean)' / outputscale.
  const double coefficients[2] = {1, -mean_};
  backend_->upload(combination.data, coefficients, sizeof coefficients);
  const Matrix residuals = whitened_.rows(n_, 1);
  backend_->run(backend::Multiply{b, false, false, combination, false, 1, 0, residuals});
  quadratic_ = host.products[0] - host.products[1] * mean_;
  if (quadratic_ < 1e-4 * host.products[0]) {
    // Little is left of the difference: sum what is squared.
    backend_->run(backend::Multiply{residuals, true, false, residuals, false, 1, 0, Matrix{report->squares, 1, 1, 1, 1, 0}});
    backend_->download(&quadratic_, report->squares, sizeof quadratic_);
  }
  const backend::HyperPrior& prior = settings_.prior;
  outputscale_ = (quadratic_ + 2 * prior.rate) / (static_cast<double>(n_) + 2 * prior.shape + 2);
  backend_->run(backend::Multiply{z, false, false, combination, false, 1 / outputscale_, 0, weights_.rows(n_, 1)});
  return std::isfinite(outputscale_) && outputscale_ > 0;
}

/// A device may return info = 0 with numbers that are no factor (faults.md, G3): everything must be finite, 1'C^-1 1 must lie
/// where the eigenvalues of C allow it, and the last rows of C z = [y 1] must hold.
bool Regression::trustworthy(const Report& report) const {
  if (report.info != 0 || n_ == 0) return false;
  const std::int64_t probes = std::min(n_, Report::kProbes), first = n_ - probes;
  const double n = static_cast<double>(n_), eps = std::numeric_limits<double>::epsilon();
  const std::vector<double> noise = diagonal_noise();
  const auto [least, most] = std::minmax_element(noise.begin(), noise.end());
  const double smallest = std::max(*least, n * eps), largest = n + *most;
  const double ones = report.products[3];
  if (!(ones >= 0.1 * n / largest && ones <= 10 * n / smallest)) return false;
  // Relative to the norms, L^-1 in place of solving loses up to the condition number of L.
  const double tolerance = 100 * n * eps * std::sqrt(largest / smallest);
  for (std::int64_t column = 0; column < 2; ++column) {
    const double norm = std::sqrt(report.squares[3 * column]);
    for (std::int64_t p = 0; p < probes; ++p) {
      const std::int64_t row = first + p, at = p + column * probes;
      const double right = column == 0 ? host_targets_[static_cast<std::size_t>(row)] : 1;
      const double residual = report.covariances[at] + noise[static_cast<std::size_t>(row)] * report.solutions[at] - right;
      if (!(std::fabs(residual) <= tolerance * (std::fabs(right) + std::sqrt(n) * norm))) return false;
    }
  }
  return std::isfinite(report.products[0]) && std::isfinite(report.products[1]);
}

Regression Regression::on(std::shared_ptr<backend::Backend> backend) const {
  Regression out(std::move(backend), settings_);
  out.set_data(host_points_, host_targets_, host_noise_weights_);
  if (!theta_.empty() && !out.factorize(theta_))
    throw Error(ErrorCode::internal, "the covariance matrix could not be factored even with jitter");
  return out;
}

backend::Model Regression::model() const {
  return {kernel(), points(), theta_view(), inverse_.rows(n_, n_), weights_.rows(n_, 1), mean_, outputscale_};
}

/// results[i] = beta results[i] + squared norm of column i.
void Regression::add_squared_norms(const ConstMatrix& columns, double beta, const Matrix& results) const {
  const ConstMatrix each{columns.data, columns.rows, 1, columns.leading, columns.columns, columns.leading};
  backend_->run(backend::Multiply{each, true, false, each, false, 1, beta, Matrix{results.data, 1, 1, 1, columns.columns, 1}});
}

/// Those of some columns of L^-1, of which only the lower triangle is there: the block on the diagonal is made anew, as the
/// inverse of L's block.
void Regression::squared_norms(std::int64_t first, const Matrix& results) const {
  Arena::Scope scope(*arena_);
  const std::int64_t count = std::min(kNormColumns, n_ - first), below = n_ - first - count;
  const Matrix diagonal = arena_->matrix(count, count);
  backend_->fill(diagonal, 0);
  backend_->run(backend::TriangularInverse{factor().block(first, first, count, count), 0, diagonal});
  add_squared_norms(diagonal, 0, results.block(first, 0, count, 1));
  if (below > 0)
    add_squared_norms(inverse_.rows(n_, n_).block(first + count, first, below, count), 1, results.block(first, 0, count, 1));
}

Regression::LeaveOneOut Regression::leave_one_out() const {
  // [C^-1]_ii is the squared norm of column i of L^-1. C^-1 (y - mean) = outputscale * weights.
  Arena::Scope scope(*arena_);
  const Matrix results = arena_->matrix(n_, 2);
  if (inverse_.leading <= kClearedRows)
    add_squared_norms(inverse_.rows(n_, n_), 0, results);
  else
    for (std::int64_t first = 0; first < n_; first += kNormColumns) squared_norms(first, results);
  backend_->copy(weights_.rows(n_, 1), results.block(0, 1, n_, 1));
  std::vector<double> host(static_cast<std::size_t>(2 * n_));
  backend_->download(host.data(), results.data, host.size() * sizeof(double));
  LeaveOneOut out;
  for (std::size_t i = 0; i < host_targets_.size(); ++i) {
    const double diagonal = host[i], weight = host[i + host_targets_.size()];
    out.mean.push_back(host_targets_[i] - outputscale_ * weight / diagonal);
    out.variance.push_back(outputscale_ / diagonal);
  }
  return out;
}

std::vector<double> Regression::fitted_means() const {
  std::vector<double> means(host_targets_.size());
  backend_->download(means.data(), weights_.buffer.data(), means.size() * sizeof(double));
  const std::vector<double> noise = diagonal_noise();
  for (std::size_t i = 0; i < means.size(); ++i) means[i] = host_targets_[i] - noise[i] * outputscale_ * means[i];
  return means;
}

double Regression::log_marginal_likelihood() const {
  Arena::Scope scope(*arena_);
  const Matrix diagonal = arena_->matrix(1, n_);
  backend_->copy(ConstMatrix{factor_.buffer.data(), 1, n_, factor_.leading + 1, 1, 0}, diagonal);
  std::vector<double> host(static_cast<std::size_t>(n_));
  backend_->download(host.data(), diagonal.data, host.size() * sizeof(double));
  double log_determinant = 0;
  for (const double entry : host) log_determinant += 2 * std::log(entry);
  const double n = static_cast<double>(n_);
  return -0.5 * (quadratic_ / outputscale_ + log_determinant + n * std::log(2 * std::numbers::pi * outputscale_));
}

}  // namespace warpbo::gp
