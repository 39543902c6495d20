/// Bayesian linear regression on weighted features, in whichever of its two forms has the smaller matrix.
#pragma once

#include "backend/memory.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace warpbo::gp {

/// y = F u + e with u ~ N(0, I), e ~ N(0, noise), F = features diag(scales): the weights of the features are scales * u.
class AdditivePosterior {
 public:
  struct Moments {
    double log_evidence = 0;     ///< without the constant -(n/2) log 2 pi
    std::vector<double> mean;    ///< of u
    std::vector<double> second;  ///< E[u_j^2]
    double residual = 0;         ///< |y - F mean|^2
    double freedom = 0;          ///< how many weights the data determine: sum_j (1 - var u_j)
  };

  /// `features` is column-major n x size.
  AdditivePosterior(std::shared_ptr<backend::Backend> backend, std::vector<double> features, std::vector<double> targets);

  [[nodiscard]] std::int64_t observations() const noexcept { return n_; }
  [[nodiscard]] std::int64_t features() const noexcept { return size_; }
  [[nodiscard]] const std::vector<double>& targets() const noexcept { return targets_; }
  /// Nothing where the numbers do not allow a factor.
  [[nodiscard]] std::optional<Moments> moments(std::span<const double> variances, double noise) const;
  /// y_i predicted from the others, for the same arguments. Empty where there is no factor, as below.
  [[nodiscard]] std::vector<double> leave_one_out(std::span<const double> variances, double noise) const;
  /// Weights of the features, column-major size x spreads.size(): mean + spread * (draw - mean) each.
  [[nodiscard]] std::vector<double> draws(std::span<const double> variances, double noise, std::span<const double> spreads,
                                          std::uint64_t seed) const;

 private:
  struct Factor;
  [[nodiscard]] bool few_observations() const noexcept { return n_ < size_; }
  [[nodiscard]] bool factor(std::span<const double> variances, double noise, Factor& out) const;
  [[nodiscard]] Moments moments_of(const Factor& factor) const;

  std::shared_ptr<backend::Backend> backend_;
  mutable backend::Arena arena_;
  std::int64_t n_, size_;
  std::vector<double> features_, targets_;
  std::vector<double> gram_;      // features' features, where there are more observations than features
  std::vector<double> products_;  // features' targets
};

}  // namespace warpbo::gp
