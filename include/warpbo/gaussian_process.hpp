/// The Gaussian process by itself: fit, predict, sample.
///
///     auto gp = warpbo::GaussianProcess::fit(points, targets, {.dimensions = 3});
///     auto [mean, variance] = gp.predict(queries);
///
/// Model: f ~ GP(m, s^2 k), y = f(x) + e, with k a Matern-5/2 or squared-exponential kernel over
/// r^2 = sum_k delta_k(x, x')^2 / l_k^2, where delta_k is x_k - x'_k for numeric dimensions and 0 or 1 (equal or not) for
/// categorical ones. Lengthscales and noise are fitted by maximum a posteriori from several starts; mean m and outputscale s^2
/// have closed forms (Rasmussen & Williams 2006, chapters 2 and 5).
#pragma once

#include <warpbo/device.hpp>
#include <warpbo/export.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace warpbo {

enum class Kernel { matern52, rbf };

struct GaussianProcessOptions {
  int dimensions = 0;            ///< columns per point; must be given
  std::vector<int> categorical;  ///< indices of the dimensions that are compared by equality
  Kernel kernel = Kernel::matern52;
  /// Known variance of the noise, in units of the targets squared; not given: fitted. 0 means noise-free: a floor near
  /// n * eps of the outputscale is used and reported by `jitter()`. Negative or NaN throws.
  std::optional<double> noise_variance;
  int restarts = 4;  ///< starting points of the hyperparameter search, beside the prior's mode
  std::uint64_t seed = 0;
  Device device = Device::automatic();
};

/// Posterior moments at m query points, in units of the targets (variance: squared).
struct Prediction {
  std::vector<double> mean;      ///< m values
  std::vector<double> variance;  ///< m values of the latent function, >= 0; add `noise_variance()` for an observation
};

/// A fitted process. Immutable but for `append`; const methods may be called from several threads.
class WARPBO_EXPORT GaussianProcess {
 public:
  /// Fits to n points. `points` is row-major n x dimensions, ideally scaled to [0, 1]; `targets` has n values. Throws
  /// `invalid_argument` for empty or mismatched input and non-finite numbers (it names the row).
  static GaussianProcess fit(std::span<const double> points, std::span<const double> targets,
                             const GaussianProcessOptions& options);

  ~GaussianProcess();
  GaussianProcess(GaussianProcess&&) noexcept;
  GaussianProcess& operator=(GaussianProcess&&) noexcept;

  /// Posterior at row-major m x dimensions queries.
  [[nodiscard]] Prediction predict(std::span<const double> queries) const;
  /// `count` joint samples of the latent function at the m queries; row-major count x m. Cost O(m^3).
  [[nodiscard]] std::vector<double> sample(std::span<const double> queries, int count, std::uint64_t seed) const;
  /// Adds observations in O(n^2) each, without changing the hyperparameters.
  void append(std::span<const double> points, std::span<const double> targets);

  /// Leave-one-out predictions at the training points, in closed form from the inverse covariance (R&W 2006, eq. 5.12).
  [[nodiscard]] Prediction leave_one_out() const;

  [[nodiscard]] std::int64_t observations() const noexcept;
  [[nodiscard]] const std::vector<double>& lengthscales() const noexcept;
  [[nodiscard]] double noise_variance() const noexcept;           ///< units of the targets squared
  [[nodiscard]] double outputscale() const noexcept;              ///< s^2, units of the targets squared
  [[nodiscard]] double mean() const noexcept;                     ///< m
  [[nodiscard]] double log_marginal_likelihood() const noexcept;  ///< without the prior, of the targets as given
  /// Added to the diagonal to make the factorization succeed, relative to the outputscale; 0 when nothing was needed.
  [[nodiscard]] double jitter() const noexcept;

 private:
  struct Impl;
  explicit GaussianProcess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace warpbo
