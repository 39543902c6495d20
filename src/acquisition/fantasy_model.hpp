/// A fitted process conditioned on sampled values at points whose values are not known: pending trials, points already chosen
/// for the batch, or noisy incumbents.
///
/// S quasi-random samples of the latent values at these points are drawn from their joint posterior. Given sample s, f(x) is
/// normal with its own mean and a variance that all samples share, so the expected improvement over the sample's own incumbent
/// is closed form. In whitened form this is one factor L extended by a row per point, and one standard normal per point and
/// sample.
#pragma once

#include "gp/regression.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace warpbo::acquisition {

class FantasyModel {
 public:
  /// Up to `extra` points will be added to `regression`, which must outlive this object. `incumbent` is the best value known
  /// for sure, or +infinity when observations are too noisy to tell.
  FantasyModel(const gp::Regression& regression, std::int64_t extra, std::int64_t samples, double incumbent,
               std::uint64_t seed);

  /// Adds points (row-major p x d). False, with nothing changed, when the extended covariance is singular beyond repair.
  bool add(std::span<const double> points);

  [[nodiscard]] backend::Model model() const;
  /// One incumbent per column of the model's weights.
  [[nodiscard]] backend::ConstVector incumbents() const { return incumbents_.view(); }
  /// 1 until the first point is added, then the number of samples.
  [[nodiscard]] std::int64_t samples() const noexcept { return columns_; }
  [[nodiscard]] std::int64_t points() const noexcept { return n_; }

  /// What PosteriorExtend needs to know about the point added last (one point per call of `add`).
  [[nodiscard]] backend::ConstMatrix last_point() const;
  [[nodiscard]] backend::ConstMatrix last_row() const;
  [[nodiscard]] double last_diagonal() const noexcept { return diagonal_; }
  [[nodiscard]] backend::ConstVector last_innovations() const { return innovations_.view(); }

 private:
  void forget();
  void begin();
  [[nodiscard]] std::vector<double> draw_normals(std::int64_t count) const;
  /// Extends the factor by the `count` points behind the last one and returns the sampled values there, count x samples;
  /// nothing when the factor is not usable.
  [[nodiscard]] std::optional<std::vector<double>> extend_factor(std::int64_t count, double jitter);
  void extend_weights(std::int64_t count);

  const gp::Regression& regression_;
  backend::Backend& backend_;
  std::int64_t capacity_, wanted_samples_, columns_ = 1, n_, first_;
  double incumbent_;
  std::uint64_t seed_;
  double diagonal_ = 1;
  backend::Buffer<double> points_, factor_, inverse_, whitened_, weights_, incumbents_, innovations_, no_noise_;
  std::vector<double> best_;  // per sample
};

}  // namespace warpbo::acquisition
