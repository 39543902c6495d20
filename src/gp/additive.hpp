/// A function of many columns as a sum of functions of one: main effects.
///
///   f(x) = c + sum_k f_k(x_k),   y = f(x) + noise
///
/// f_k of a numeric column is a polynomial and a cosine series: Legendre polynomials from degree 1 on and sqrt(2) cos(pi j x),
/// j = 1, 2, ..., with weights w_kj ~ N(0, a_k s_j): every column has an amplitude of its own, and all share one spectrum. f_k
/// of a categorical column has one weight per level, w ~ N(0, a_k). Amplitudes, spectrum and noise maximize the evidence
/// (expectation maximization; MacKay's update of the noise: "Bayesian interpolation", Neural Computation 4, 1992), from several
/// starts: a few steps from each, then more from the best.
///
/// The weights of a smooth function's cosines fall off as j^-2, because each is flat at both ends; with polynomials up to
/// degree 2 m beside them as j^-(2 m + 2): what they have to sum is then a function whose first m odd derivatives vanish there
/// (subtraction of polynomials, after Krylov and Lanczos).
///
/// Where an objective is such a sum, or nearly, n observations tell about n / d of it per column, and its minimum is found
/// column by column: ripples that no process in all columns at once can resolve are no obstacle. Where it is not, the
/// leave-one-out predictions say so.
#pragma once

#include "backend/backend.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace warpbo::gp {

/// What the model may assume of a column, and where its minimum is sought.
struct AdditiveColumn {
  bool categorical = false;    ///< `places` are then its levels 0, 1, ...
  bool continuous = false;     ///< minima may lie between places, which are then equally spaced
  std::vector<double> places;  ///< rising, in [0, 1] unless categorical
};

/// Features of a numeric column.
struct AdditiveTerms {
  std::int64_t polynomials = 2;
  std::int64_t waves = 32;
  [[nodiscard]] std::int64_t count() const noexcept { return polynomials + waves; }
};

/// What maximizes the evidence.
struct AdditivePrior {
  std::vector<double> amplitudes;  ///< a_k, of standardized targets
  std::vector<double> spectrum;    ///< s_j of polynomials, then cosines; sum 1
  double noise = 0;                ///< variance
};

class AdditiveModel {
 public:
  /// Points is row-major n x d, targets are finite. Time: O(D min(n, D)^2) per step of the search with D = d terms.count(),
  /// some dozens of steps. Steps from every start, the better half of them continued. Nothing where the numbers allow no model.
  [[nodiscard]] static std::optional<AdditiveModel> fit(std::shared_ptr<backend::Backend> backend,
                                                        std::vector<AdditiveColumn> columns, AdditiveTerms terms,
                                                        std::span<const double> points, std::span<const double> targets);
  ~AdditiveModel();
  AdditiveModel(AdditiveModel&&) noexcept;
  AdditiveModel& operator=(AdditiveModel&&) noexcept;

  /// More steps, from the best so far.
  void refine();

  [[nodiscard]] const AdditivePrior& prior() const noexcept;
  [[nodiscard]] double log_evidence() const noexcept;
  /// What is predicted for every observation from all others, in the targets' unit.
  [[nodiscard]] std::vector<double> leave_one_out() const;
  /// The posterior mean at points, in the targets' unit.
  [[nodiscard]] std::vector<double> mean(std::span<const double> points) const;
  /// Minima of functions drawn from the posterior, row-major spreads.size() x d. The i-th function differs from the mean by
  /// spreads[i] times what the i-th draw does: 0 is the mean, 1 a draw.
  [[nodiscard]] std::vector<double> minimizers(std::span<const double> spreads, std::uint64_t seed) const;

 private:
  struct State;
  explicit AdditiveModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace warpbo::gp
