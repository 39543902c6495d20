#include "gp/additive_posterior.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace warpbo::gp {

namespace {

using backend::Arena;
using backend::Matrix;

constexpr std::int64_t kDrawsAtOnce = 1024;

double dot(const double* a, const double* b, std::int64_t size) { return std::inner_product(a, a + size, b, 0.0); }

std::vector<double> download(const Arena& arena, const Matrix& matrix) {
  std::vector<double> host(static_cast<std::size_t>(matrix.rows * matrix.columns));
  arena.backend().download(host.data(), matrix.data, host.size() * sizeof(double));
  return host;
}

Matrix upload(Arena& arena, std::span<const double> host, std::int64_t rows, std::int64_t columns) {
  const Matrix out = arena.matrix(rows, columns);
  arena.backend().upload(out.data, host.data(), host.size_bytes());
  return out;
}

}  // namespace

/// With few observations K = F F' + noise I = L L', V = L^-1 F and v = L^-1 y; with many A = F'F / noise + I = L L', V = L^-1
/// and v = L^-1 F'y / noise. In both the mean of u is V'v.
struct AdditivePosterior::Factor {
  std::vector<double> scales;
  double noise = 0;
  Matrix lower, whitened;
  std::vector<double> host_whitened;  // V
  std::vector<double> solved;         // v
  double log_determinant = 0;         // of L
};

AdditivePosterior::AdditivePosterior(std::shared_ptr<backend::Backend> backend, std::vector<double> features,
                                     std::vector<double> targets)
    : backend_(std::move(backend)),
      arena_(backend_),
      n_(std::ssize(targets)),
      size_(std::ssize(features) / std::max<std::int64_t>(std::ssize(targets), 1)),
      features_(std::move(features)),
      targets_(std::move(targets)) {
  for (std::int64_t j = 0; j < size_; ++j) products_.push_back(dot(features_.data() + j * n_, targets_.data(), n_));
  if (few_observations()) return;
  Arena::Scope scope(arena_);
  const Matrix all = upload(arena_, features_, n_, size_);
  const Matrix gram = arena_.matrix(size_, size_);
  backend_->run(backend::Multiply{all, true, false, all, false, 1, 0, gram});
  gram_ = download(arena_, gram);
}

bool AdditivePosterior::factor(std::span<const double> variances, double noise, Factor& out) const {
  out.noise = noise;
  out.scales.clear();
  for (const double variance : variances) out.scales.push_back(std::sqrt(variance));
  const std::int64_t order = few_observations() ? n_ : size_;
  std::vector<double> host(static_cast<std::size_t>(order * order), 0.0);
  std::vector<double> right;
  Matrix scaled;
  if (few_observations()) {
    for (std::int64_t i = 0; i < n_; ++i) host[static_cast<std::size_t>(i * (n_ + 1))] = noise;
    std::vector<double> features(features_);
    for (std::int64_t j = 0; j < size_; ++j)
      for (std::int64_t i = 0; i < n_; ++i)
        features[static_cast<std::size_t>(j * n_ + i)] *= out.scales[static_cast<std::size_t>(j)];
    scaled = upload(arena_, features, n_, size_);
    right = targets_;
  } else {
    for (std::int64_t j = 0; j < size_; ++j) {
      const double scale = out.scales[static_cast<std::size_t>(j)] / noise;
      right.push_back(scale * products_[static_cast<std::size_t>(j)]);
      for (std::int64_t i = 0; i < size_; ++i) {
        const auto at = static_cast<std::size_t>(j * size_ + i);
        host[at] = out.scales[static_cast<std::size_t>(i)] * gram_[at] * scale + (i == j ? 1 : 0);
      }
    }
  }
  out.lower = upload(arena_, host, order, order);
  if (few_observations()) backend_->run(backend::Multiply{scaled, false, false, scaled, true, 1, 1, out.lower});
  const auto info = arena_.vector<std::int32_t>(1);
  backend_->run(backend::Cholesky{out.lower, 0, info});
  std::int32_t failed = 0;
  backend_->download(&failed, info.data, sizeof failed);
  if (failed != 0) return false;
  if (few_observations()) {
    out.whitened = scaled;
    backend_->run(backend::SolveLower{out.lower, false, out.whitened});
  } else {
    out.whitened = arena_.matrix(order, order);
    backend_->fill(out.whitened, 0);
    backend_->run(backend::TriangularInverse{out.lower, 0, out.whitened});
  }
  const Matrix solved = upload(arena_, right, order, 1);
  backend_->run(backend::SolveLower{out.lower, false, solved});
  out.solved = download(arena_, solved);
  out.host_whitened = download(arena_, out.whitened);
  const std::vector<double> lower = download(arena_, out.lower);
  out.log_determinant = 0;
  for (std::int64_t i = 0; i < order; ++i) out.log_determinant += std::log(lower[static_cast<std::size_t>(i * (order + 1))]);
  return std::isfinite(out.log_determinant);
}

AdditivePosterior::Moments AdditivePosterior::moments_of(const Factor& factor) const {
  const std::int64_t order = few_observations() ? n_ : size_;
  Moments out;
  out.mean.resize(static_cast<std::size_t>(size_));
  out.second.resize(static_cast<std::size_t>(size_));
  for (std::int64_t j = 0; j < size_; ++j) {
    const double* column = factor.host_whitened.data() + j * order;
    const double mean = dot(column, factor.solved.data(), order), square = dot(column, column, order);
    const double variance = few_observations() ? std::max(1 - square, 0.0) : square;
    out.mean[static_cast<std::size_t>(j)] = mean;
    out.second[static_cast<std::size_t>(j)] = mean * mean + variance;
    out.freedom += 1 - variance;
  }
  std::vector<double> fitted(targets_);
  for (std::int64_t j = 0; j < size_; ++j) {
    const double weight = factor.scales[static_cast<std::size_t>(j)] * out.mean[static_cast<std::size_t>(j)];
    for (std::int64_t i = 0; i < n_; ++i)
      fitted[static_cast<std::size_t>(i)] -= weight * features_[static_cast<std::size_t>(j * n_ + i)];
  }
  out.residual = dot(fitted.data(), fitted.data(), n_);
  const double explained = dot(factor.solved.data(), factor.solved.data(), order);
  const auto n = static_cast<double>(n_);
  out.log_evidence = few_observations() ? -0.5 * explained - factor.log_determinant
                                        : -0.5 * (dot(targets_.data(), targets_.data(), n_) / factor.noise - explained) -
                                              0.5 * n * std::log(factor.noise) - factor.log_determinant;
  return out;
}

std::optional<AdditivePosterior::Moments> AdditivePosterior::moments(std::span<const double> variances, double noise) const {
  Arena::Scope scope(arena_);
  Factor factored;
  if (!factor(variances, noise, factored)) return std::nullopt;
  Moments out = moments_of(factored);
  return std::isfinite(out.log_evidence) ? std::optional(std::move(out)) : std::nullopt;
}

std::vector<double> AdditivePosterior::leave_one_out(std::span<const double> variances, double noise) const {
  Arena::Scope scope(arena_);
  Factor factored;
  if (!factor(variances, noise, factored)) return {};
  std::vector<double> out(targets_);
  if (few_observations()) {  // y_i - [K^-1 y]_i / [K^-1]_ii
    const Matrix inverse = arena_.matrix(n_, n_);
    backend_->fill(inverse, 0);
    backend_->run(backend::TriangularInverse{factored.lower, 0, inverse});
    const std::vector<double> host = download(arena_, inverse);
    for (std::int64_t i = 0; i < n_; ++i) {
      const double* column = host.data() + i * n_;
      out[static_cast<std::size_t>(i)] -= dot(column, factored.solved.data(), n_) / dot(column, column, n_);
    }
    return out;
  }
  // y_i - (y_i - f_i) / (1 - h_i), h_i = |V diag(scales) phi_i|^2 / noise
  std::vector<double> scaled(features_);
  for (std::int64_t j = 0; j < size_; ++j)
    for (std::int64_t i = 0; i < n_; ++i)
      scaled[static_cast<std::size_t>(j * n_ + i)] *= factored.scales[static_cast<std::size_t>(j)];
  const Matrix points = upload(arena_, scaled, n_, size_);
  const Matrix whitened = arena_.matrix(size_, n_);
  backend_->run(backend::Multiply{factored.whitened, false, true, points, true, 1, 0, whitened});
  const std::vector<double> host = download(arena_, whitened);
  for (std::int64_t i = 0; i < n_; ++i) {
    const double* column = host.data() + i * size_;
    const double fitted = dot(column, factored.solved.data(), size_);
    const double leverage = std::min(dot(column, column, size_) / noise, 1 - 1e-9);
    out[static_cast<std::size_t>(i)] -= (out[static_cast<std::size_t>(i)] - fitted) / (1 - leverage);
  }
  return out;
}

std::vector<double> AdditivePosterior::draws(std::span<const double> variances, double noise, std::span<const double> spreads,
                                             std::uint64_t seed) const {
  Arena::Scope scope(arena_);
  Factor factored;
  if (!factor(variances, noise, factored)) return {};
  const Moments moments = moments_of(factored);
  const std::int64_t count = std::ssize(spreads);
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(count * size_));
  for (std::int64_t begin = 0; begin < count; begin += kDrawsAtOnce) {
    Arena::Scope block(arena_);
    const std::int64_t q = std::min(kDrawsAtOnce, count - begin);
    const Matrix deviations = arena_.matrix(size_, q);
    backend_->run(backend::FillRandom{deviations, seed, static_cast<std::uint64_t>(2 * begin), true});
    if (few_observations()) {  // z - V' (V z + L^-1 e)
      const Matrix errors = arena_.matrix(n_, q);
      backend_->run(backend::FillRandom{errors, seed, static_cast<std::uint64_t>(2 * begin + 1), true});
      std::vector<double> scaled = download(arena_, errors);
      for (double& value : scaled) value *= std::sqrt(noise);
      const Matrix noisy = upload(arena_, scaled, n_, q);
      backend_->run(backend::SolveLower{factored.lower, false, noisy});
      backend_->run(backend::Multiply{factored.whitened, false, false, deviations, false, 1, 1, noisy});
      backend_->run(backend::Multiply{factored.whitened, true, false, noisy, false, -1, 1, deviations});
    } else {  // V' z
      const Matrix normals = arena_.matrix(size_, q);
      backend_->copy(deviations, normals);
      backend_->run(backend::Multiply{factored.whitened, true, false, normals, false, 1, 0, deviations});
    }
    const std::vector<double> host = download(arena_, deviations);
    for (std::int64_t s = 0; s < q; ++s)
      for (std::int64_t j = 0; j < size_; ++j) {
        const double u = moments.mean[static_cast<std::size_t>(j)] +
                         spreads[static_cast<std::size_t>(begin + s)] * host[static_cast<std::size_t>(s * size_ + j)];
        out.push_back(factored.scales[static_cast<std::size_t>(j)] * u);
      }
  }
  return out;
}

}  // namespace warpbo::gp
