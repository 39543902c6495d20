/// One step of a bounded limited-memory BFGS by reverse communication: the caller evaluates the objective where the step asks,
/// and hands value and gradient back. Thousands of problems can so be advanced together, one evaluation of all of them per
/// round.
///
/// Method: projected quasi-Newton. Variables that sit at a bound with the gradient pushing outwards are fixed for the
/// iteration; the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4) runs over the free ones, with inner products
/// restricted to them; the line search backtracks along the projected path P(x + t d) under Armijo's condition (Bertsekas
/// 1982). Pairs without positive curvature are dropped. A round may try several step lengths at once: the best of those that
/// satisfy the condition is taken. Where evaluations of a batch cost no more than one, that saves rounds (bench/README.md).
///
/// A `Team` is whoever works on one problem together: SerialTeam here, a warp in a kernel. Every member runs the same code with
/// the same scalars; `each` splits a loop over variables (always in the same way), `sum`, `sums` and `max` reduce over it in a
/// fixed order, `Slots` keeps a few scalars under a running index.
#pragma once

#include "math/host_device.hpp"

#include <cmath>
#include <cstdint>

namespace warpbo::math {

inline constexpr std::int64_t kLbfgsHistory = 8;
inline constexpr std::int64_t kLbfgsTrials = 4;  ///< most step lengths that one round tries

/// Step length of a round's trial, in units of the search's step. The first alone is the ordinary backtracking search.
WARPBO_HD inline double lbfgs_trial_length(std::int64_t trial) {
  return trial == 0 ? 1.0 : trial == 1 ? 0.5 : trial == 2 ? 2.0 : 0.25;
}
/// Which of a round's `trials` is the shortest.
WARPBO_HD inline std::int64_t lbfgs_shortest_trial(std::int64_t trials) {
  return trials == kLbfgsTrials ? 3 : trials > 1 ? 1 : 0;
}

/// Where things stand in a problem's column of state. A column of zeros is a problem that has not begun.
struct LbfgsLayout {
  enum Scalar : std::int64_t { kStatus, kValue, kStep, kSlope, kTrials, kPairs, kHead, kIterations, kScalars };
  std::int64_t dimensions;

  WARPBO_HD std::int64_t x() const { return kScalars; }  ///< the best point so far
  WARPBO_HD std::int64_t gradient() const { return kScalars + dimensions; }
  WARPBO_HD std::int64_t direction() const { return kScalars + 2 * dimensions; }
  WARPBO_HD std::int64_t s(std::int64_t slot) const { return kScalars + (3 + slot) * dimensions; }
  WARPBO_HD std::int64_t y(std::int64_t slot) const { return s(kLbfgsHistory + slot); }
  WARPBO_HD std::int64_t size() const { return kScalars + (3 + 2 * kLbfgsHistory) * dimensions; }
};

/// Coordinate i of the point that a problem in `state` wants evaluated as its `trial`-th.
WARPBO_HD inline double lbfgs_trial_point(const double* state, LbfgsLayout at, std::int64_t trial, std::int64_t i, double lower,
                                          double upper) {
  const double step = state[LbfgsLayout::kStep] * lbfgs_trial_length(trial);
  return std::fmin(std::fmax(state[at.x() + i] + step * state[at.direction() + i], lower), upper);
}

/// What the caller found at a problem's trial points: rows of column-major matrices, the first row at the pointers.
struct LbfgsEvaluated {
  std::int64_t trials;  ///< 1 to kLbfgsTrials
  const double* values;
  const double* points;
  std::int64_t points_leading;
  const double* gradients;
  std::int64_t gradients_leading;
  double sign;  ///< -1 where the values are to be made large

  WARPBO_HD double value(std::int64_t t) const { return sign * values[t]; }
  WARPBO_HD double point(std::int64_t t, std::int64_t i) const { return points[t + i * points_leading]; }
  WARPBO_HD double gradient(std::int64_t t, std::int64_t i) const { return sign * gradients[t + i * gradients_leading]; }
};

/// Doubles of state per problem.
WARPBO_HD inline std::int64_t lbfgs_state_size(std::int64_t dimensions) { return LbfgsLayout{dimensions}.size(); }

enum class LbfgsStatus : int { fresh = 0, searching = 1, converged = 2, stalled = 3, failed = 4 };

/// Two sums that are taken together.
struct SumPair {
  double first, second;
};

struct SerialTeam {
  struct Slots {
    double value[kLbfgsHistory] = {};
    WARPBO_HD double get(std::int64_t k) const { return value[k]; }
    WARPBO_HD void set(std::int64_t k, double v) { value[k] = v; }
  };
  template <class F>
  WARPBO_HD void each(std::int64_t count, F&& body) const {
    for (std::int64_t i = 0; i < count; ++i) body(i);
  }
  template <class F>
  WARPBO_HD double sum(std::int64_t count, F&& term) const {
    double total = 0;
    for (std::int64_t i = 0; i < count; ++i) total += term(i);
    return total;
  }
  template <class F>
  WARPBO_HD SumPair sums(std::int64_t count, F&& term) const {
    SumPair total{0, 0};
    for (std::int64_t i = 0; i < count; ++i) {
      const SumPair value = term(i);
      total.first += value.first;
      total.second += value.second;
    }
    return total;
  }
  template <class F>
  WARPBO_HD double max(std::int64_t count, F&& term) const {
    double largest = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const double value = term(i);
      largest = value > largest ? value : largest;
    }
    return largest;
  }
  WARPBO_HD bool leader() const { return true; }
  WARPBO_HD void sync() const {}
};

/// A problem: bounds by accessor, so that any layout serves.
template <class Team, class Lower, class Upper>
class LbfgsProblem {
 public:
  WARPBO_HD LbfgsProblem(const Team& team, double* state, std::int64_t dimensions, Lower lower, Upper upper,
                         const LbfgsEvaluated& evaluated, double gradient_tolerance, double value_tolerance)
      : team_(team),
        state_(state),
        at_{dimensions},
        n_(dimensions),
        lower_(lower),
        upper_(upper),
        fresh_(evaluated),
        gradient_tolerance_(gradient_tolerance),
        value_tolerance_(value_tolerance) {}

  /// Takes in what was found at the trial points; true if others are wanted (lbfgs_trial_point). A problem that has not begun
  /// takes its first row alone.
  WARPBO_HD bool advance() {
    if (status() == LbfgsStatus::fresh) {
      if (!finite(0)) return fail();
      accept(0);
      return begin_iteration();
    }
    const std::int64_t taken = best_trial();
    if (taken < 0) return shorten();
    const double before = scalar(LbfgsLayout::kValue), value = fresh_.value(taken);
    remember(taken);
    accept(taken);
    const double scale = std::fmax(std::fmax(std::fabs(before), std::fabs(value)), 1.0);
    if (before - value <= value_tolerance_ * scale) return end(LbfgsStatus::converged);
    return begin_iteration();
  }

 private:
  WARPBO_HD double scalar(std::int64_t which) const { return state_[which]; }
  WARPBO_HD void set(std::int64_t which, double value) {
    team_.sync();
    if (team_.leader()) state_[which] = value;
    team_.sync();
  }
  WARPBO_HD LbfgsStatus status() const { return static_cast<LbfgsStatus>(static_cast<int>(state_[LbfgsLayout::kStatus])); }
  WARPBO_HD double& x(std::int64_t i) const { return state_[at_.x() + i]; }
  WARPBO_HD double& g(std::int64_t i) const { return state_[at_.gradient() + i]; }
  WARPBO_HD double& d(std::int64_t i) const { return state_[at_.direction() + i]; }
  WARPBO_HD double clamp(std::int64_t i, double v) const { return std::fmin(std::fmax(v, lower_(i)), upper_(i)); }
  /// Whether variable i may move downhill.
  WARPBO_HD bool free(std::int64_t i) const { return !((x(i) <= lower_(i) && g(i) >= 0) || (x(i) >= upper_(i) && g(i) <= 0)); }

  WARPBO_HD bool finite(std::int64_t t) const {
    return std::isfinite(fresh_.value(t)) &&
           std::isfinite(team_.sum(n_, [&](std::int64_t i) { return fresh_.gradient(t, i); }));
  }

  /// The lowest of the trials that satisfy Armijo's condition on the step really taken, which the projection may have
  /// shortened; of equal ones the first; -1 if there is none.
  WARPBO_HD std::int64_t best_trial() const {
    std::int64_t best = -1;
    for (std::int64_t t = 0; t < fresh_.trials; ++t) {
      const double value = fresh_.value(t);
      const auto [predicted, gradients] = team_.sums(n_, [&](std::int64_t i) {
        return SumPair{g(i) * (fresh_.point(t, i) - x(i)), fresh_.gradient(t, i)};
      });
      const bool usable =
          std::isfinite(value) && std::isfinite(gradients) && value <= scalar(LbfgsLayout::kValue) + 1e-4 * predicted;
      if (usable && (best < 0 || value < fresh_.value(best))) best = t;
    }
    return best;
  }

  WARPBO_HD bool end(LbfgsStatus how) {
    set(LbfgsLayout::kStatus, static_cast<double>(static_cast<int>(how)));
    return false;
  }

  /// The start itself cannot be evaluated.
  WARPBO_HD bool fail() {
    const double value = fresh_.value(0);
    set(LbfgsLayout::kValue, std::isnan(value) ? static_cast<double>(INFINITY) : value);
    team_.each(n_, [&](std::int64_t i) { x(i) = fresh_.point(0, i); });
    return end(LbfgsStatus::failed);
  }

  WARPBO_HD void accept(std::int64_t t) {
    team_.each(n_, [&](std::int64_t i) {
      x(i) = fresh_.point(t, i);
      g(i) = fresh_.gradient(t, i);
    });
    set(LbfgsLayout::kValue, fresh_.value(t));
    set(LbfgsLayout::kIterations, scalar(LbfgsLayout::kIterations) + 1);
  }

  /// Stores the pair (s, y) of the step just taken, over the oldest one if need be.
  WARPBO_HD void remember(std::int64_t t) {
    const auto slot = static_cast<std::int64_t>(scalar(LbfgsLayout::kHead));
    double* s = state_ + at_.s(slot);
    double* y = state_ + at_.y(slot);
    team_.each(n_, [&](std::int64_t i) {
      s[i] = fresh_.point(t, i) - x(i);
      y[i] = fresh_.gradient(t, i) - g(i);
    });
    team_.sync();
    const auto [sy, yy] = team_.sums(n_, [&](std::int64_t i) { return SumPair{s[i] * y[i], y[i] * y[i]}; });
    if (!(sy > 1e-12 * yy)) return;
    set(LbfgsLayout::kHead, static_cast<double>((slot + 1) % kLbfgsHistory));
    set(LbfgsLayout::kPairs, std::fmin(scalar(LbfgsLayout::kPairs) + 1, static_cast<double>(kLbfgsHistory)));
  }

  WARPBO_HD bool begin_iteration() {
    const double violation = team_.max(n_, [&](std::int64_t i) { return std::fabs(clamp(i, x(i) - g(i)) - x(i)); });
    if (!(violation > gradient_tolerance_)) return end(LbfgsStatus::converged);
    const bool newton = quasi_newton_direction();
    if (!newton) steepest_descent();
    set(LbfgsLayout::kTrials, 0);
    set(LbfgsLayout::kStatus, static_cast<double>(static_cast<int>(LbfgsStatus::searching)));
    return true;
  }

  /// d = -H g over the free variables; false when no usable pair is left or d is no descent direction.
  WARPBO_HD bool quasi_newton_direction() {
    const auto pairs = static_cast<std::int64_t>(scalar(LbfgsLayout::kPairs));
    const auto head = static_cast<std::int64_t>(scalar(LbfgsLayout::kHead));
    if (pairs == 0) return false;
    typename Team::Slots alphas, curvatures;
    double gamma = 0;
    team_.each(n_, [&](std::int64_t i) { d(i) = free(i) ? -g(i) : 0.0; });
    team_.sync();
    for (std::int64_t k = 0; k < pairs; ++k) {  // newest first
      const double* s = state_ + at_.s((head - 1 - k + kLbfgsHistory) % kLbfgsHistory);
      const double* y = state_ + at_.y((head - 1 - k + kLbfgsHistory) % kLbfgsHistory);
      const auto [curvature, yy] = team_.sums(n_, [&](std::int64_t i) {
        return free(i) ? SumPair{s[i] * y[i], y[i] * y[i]} : SumPair{0.0, 0.0};
      });
      const bool usable = curvature > 1e-12 * yy && curvature > 0;
      curvatures.set(k, usable ? curvature : 0.0);
      if (!usable) continue;
      if (gamma == 0) gamma = curvature / yy;
      const double alpha = team_.sum(n_, [&](std::int64_t i) { return free(i) ? s[i] * d(i) : 0.0; }) / curvature;
      alphas.set(k, alpha);
      team_.sync();
      team_.each(n_, [&](std::int64_t i) {
        if (free(i)) d(i) -= alpha * y[i];
      });
      team_.sync();
    }
    if (gamma == 0) return false;
    team_.each(n_, [&](std::int64_t i) { d(i) *= gamma; });
    team_.sync();
    for (std::int64_t k = pairs - 1; k >= 0; --k) {  // oldest first
      const double curvature = curvatures.get(k);
      if (curvature == 0) continue;
      const double* s = state_ + at_.s((head - 1 - k + kLbfgsHistory) % kLbfgsHistory);
      const double* y = state_ + at_.y((head - 1 - k + kLbfgsHistory) % kLbfgsHistory);
      const double beta = team_.sum(n_, [&](std::int64_t i) { return free(i) ? y[i] * d(i) : 0.0; }) / curvature;
      const double alpha = alphas.get(k);
      team_.sync();
      team_.each(n_, [&](std::int64_t i) {
        if (free(i)) d(i) += (alpha - beta) * s[i];
      });
      team_.sync();
    }
    const double slope = team_.sum(n_, [&](std::int64_t i) { return g(i) * d(i); });
    const auto [gg, dd] = team_.sums(n_, [&](std::int64_t i) { return SumPair{free(i) ? g(i) * g(i) : 0.0, d(i) * d(i)}; });
    set(LbfgsLayout::kStep, 1);
    return slope < -1e-10 * std::sqrt(gg * dd);
  }

  /// d = -g over the free variables, with a first step of at most a tenth of the widest range.
  WARPBO_HD void steepest_descent() {
    team_.each(n_, [&](std::int64_t i) { d(i) = free(i) ? -g(i) : 0.0; });
    team_.sync();
    const double largest = team_.max(n_, [&](std::int64_t i) { return std::fabs(d(i)); });
    const double range = team_.max(n_, [&](std::int64_t i) { return upper_(i) - lower_(i); });
    set(LbfgsLayout::kPairs, 0);
    set(LbfgsLayout::kStep, std::fmin(1.0, 0.1 * range / largest));
  }

  /// Goes on with shorter steps than the shortest that was tried.
  WARPBO_HD bool shorten() {
    const std::int64_t shortest = lbfgs_shortest_trial(fresh_.trials);
    const double step = scalar(LbfgsLayout::kStep) * lbfgs_trial_length(shortest);
    const double trials = scalar(LbfgsLayout::kTrials) + 1;
    set(LbfgsLayout::kTrials, trials);
    if (trials > 25) {
      // A bad memory is the usual cause: forget it and try the gradient once before giving up.
      if (scalar(LbfgsLayout::kPairs) == 0) return end(LbfgsStatus::stalled);
      steepest_descent();
      set(LbfgsLayout::kTrials, 13);
      return true;
    }
    double factor = 0.2;
    if (finite(shortest)) {  // the minimum of the parabola through f(0), f'(0) and f(t)
      const double slope = team_.sum(n_, [&](std::int64_t i) { return g(i) * d(i); }) * step;
      const double rise = fresh_.value(shortest) - scalar(LbfgsLayout::kValue) - slope;
      if (rise > 0) factor = std::fmin(0.5, std::fmax(0.1, -slope / (2 * rise)));
    }
    set(LbfgsLayout::kStep, step * factor);
    return true;
  }

  const Team& team_;
  double* state_;
  LbfgsLayout at_;
  std::int64_t n_;
  Lower lower_;
  Upper upper_;
  LbfgsEvaluated fresh_;
  double gradient_tolerance_;
  double value_tolerance_;
};

}  // namespace warpbo::math
