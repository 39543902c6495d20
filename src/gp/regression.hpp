/// A Gaussian process over points in the unit cube, on a backend: data, hyperparameters, factor.
///
/// Everything large lives in the backend's memory and grows by a factor, so that `append` costs O(n^2) and no allocation in
/// most calls. Targets are expected to be standardized.
#pragma once

#include "backend/memory.hpp"
#include "gp/settings.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace warpbo::gp {

/// Hyperparameters in the logarithm: d lengthscales, then the noise relative to the outputscale.
using Theta = std::vector<double>;

class Regression {
 public:
  Regression(std::shared_ptr<backend::Backend> backend, Settings settings);

  /// Replaces all data. `points` is row-major n x d; `noise_weights` scales the noise of each observation (1 / count for merged
  /// duplicates), empty for ones. The factor is stale until `factorize`.
  void set_data(std::span<const double> points, std::span<const double> targets, std::span<const double> noise_weights = {});

  /// Builds the factor for these hyperparameters, with a jitter from n eps upwards where it is needed. False when even the
  /// largest jitter of the ladder fails; the factor is then unusable.
  bool factorize(const Theta& theta);

  /// Adds observations under the same hyperparameters: extends the factor and recomputes mean and outputscale, O(n^2) per
  /// point. False when the extended matrix is not positive definite; the data is then in, and `factorize` is needed. An
  /// exception leaves everything as it was.
  bool append(std::span<const double> points, std::span<const double> targets);

  /// The same for points whose arrival changed the targets of the others too: `targets` are those of all observations, old and
  /// new. Without new points only the targets change, O(n^2).
  bool extend(std::span<const double> points, std::span<const double> targets);

  /// The same on another backend, from what the host knows: the data and, if there is a factor here, a factor. Throws internal
  /// if that backend cannot factor the matrix.
  [[nodiscard]] Regression on(std::shared_ptr<backend::Backend> backend) const;

  /// The fitted process as backend operations take it; valid until the next change.
  [[nodiscard]] backend::Model model() const;
  [[nodiscard]] backend::KernelSpec kernel() const;
  [[nodiscard]] backend::ConstMatrix points() const { return points_.rows(n_, dimensions_); }
  [[nodiscard]] backend::ConstMatrix targets() const { return targets_.rows(n_, 1); }
  [[nodiscard]] backend::ConstVector noise_weights() const;
  [[nodiscard]] backend::ConstMatrix theta_view() const { return theta_buffer_.matrix(1, dimensions_ + 1); }
  /// L, n x n.
  [[nodiscard]] backend::ConstMatrix factor() const { return factor_.rows(n_, n_); }
  /// The data as they were given, in host memory: nothing has to come back from the backend.
  [[nodiscard]] std::span<const double> host_points() const noexcept { return host_points_; }  ///< row-major n x d
  [[nodiscard]] std::span<const double> host_targets() const noexcept { return host_targets_; }
  [[nodiscard]] std::span<const double> host_noise_weights() const noexcept { return host_noise_weights_; }
  /// L^-1 (y - mean), n x 1.
  [[nodiscard]] backend::ConstMatrix whitened_residuals() const { return whitened_.rows(n_, 1); }

  [[nodiscard]] std::int64_t observations() const noexcept { return n_; }
  [[nodiscard]] std::int64_t dimensions() const noexcept { return dimensions_; }
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] const Theta& theta() const noexcept { return theta_; }
  [[nodiscard]] double mean() const noexcept { return mean_; }
  [[nodiscard]] double outputscale() const noexcept { return outputscale_; }
  [[nodiscard]] double noise() const;  ///< relative to the outputscale
  [[nodiscard]] double jitter() const noexcept { return jitter_; }
  /// How many factorizations failed so far: not positive definite, or a result that is not finite or not an inverse.
  [[nodiscard]] std::int64_t failures() const noexcept { return failures_; }
  [[nodiscard]] backend::Arena& arena() const noexcept { return *arena_; }
  [[nodiscard]] const std::shared_ptr<backend::Backend>& backend() const noexcept { return backend_; }
  /// What this object holds in the backend's memory.
  [[nodiscard]] std::size_t bytes() const noexcept;

  /// Leave-one-out means and variances of the observations in closed form (Rasmussen & Williams 2006, eq. 5.12); host memory.
  struct LeaveOneOut {
    std::vector<double> mean, variance;
  };
  [[nodiscard]] LeaveOneOut leave_one_out() const;

  /// Posterior means at the observations: y - (noise + jitter) outputscale weights, O(n).
  [[nodiscard]] std::vector<double> fitted_means() const;

  /// Log marginal likelihood at the current hyperparameters, without priors, with the outputscale as it stands.
  [[nodiscard]] double log_marginal_likelihood() const;

 private:
  /// A column-major matrix whose columns leave room for more rows.
  struct Grown {
    backend::Buffer<double> buffer;
    std::int64_t leading = 0;
    [[nodiscard]] backend::Matrix rows(std::int64_t count, std::int64_t columns) const {
      return {buffer.data(), count, columns, leading, 1, 0};
    }
  };
  /// What the host wants to know of a factorization. It lies together in the backend's memory, so that one wait brings it.
  struct Report {
    static constexpr std::int64_t kProbes = 16;
    std::int32_t info = 0;
    std::int32_t unused = 0;
    double products[4] = {};               ///< [y 1]' C^-1 [y 1]
    double squares[4] = {};                ///< z'z with z = C^-1 [y 1]
    double covariances[2 * kProbes] = {};  ///< k(X, X) z in the last rows
    double solutions[2 * kProbes] = {};    ///< z in the last rows
  };

  void reserve(std::int64_t count);
  void upload_rows(std::int64_t first, std::span<const double> points);
  void upload_targets(std::span<const double> targets);
  [[nodiscard]] std::vector<double> diagonal_noise() const;
  void add_squared_norms(const backend::ConstMatrix& columns, double beta, const backend::Matrix& results) const;
  void squared_norms(std::int64_t first, const backend::Matrix& results) const;
  bool try_factorize(double jitter);
  bool extend_factor(std::int64_t old);
  /// Mean, outputscale and weights in closed form from L^-1. `report` is in the backend's memory and may hold `info` already.
  bool solve(Report* report);
  [[nodiscard]] bool trustworthy(const Report& report) const;

  std::shared_ptr<backend::Backend> backend_;
  std::unique_ptr<backend::Arena> arena_;
  Settings settings_;
  std::int64_t dimensions_ = 0;
  std::int64_t n_ = 0;
  std::int64_t capacity_ = 0;
  std::vector<double> host_points_, host_targets_, host_noise_weights_;
  Grown points_, targets_, noise_weights_, factor_, inverse_, whitened_, weights_;
  bool weighted_ = false;
  backend::Buffer<double> theta_buffer_;
  backend::Buffer<std::uint8_t> categorical_;
  Theta theta_;
  double mean_ = 0;
  double outputscale_ = 1;
  double quadratic_ = 0;  // (y - mean)' C^-1 (y - mean)
  double jitter_ = 0;
  std::int64_t failures_ = 0;
};

}  // namespace warpbo::gp
