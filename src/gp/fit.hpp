/// Maximum a posteriori hyperparameters by batched multi-start L-BFGS.
#pragma once

#include "gp/regression.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace warpbo::gp {

struct FitOptions {
  std::vector<Theta> warm;  ///< starting points known to be good (the last fit)
  int restarts = 4;         ///< further ones: the prior's mode, then draws around it
  int max_rounds = 60;      ///< likelihood evaluations per start
  int trial_rounds = 12;    ///< after so many only the `finalists` best starts go on; 0: all go on
  int finalists = 2;
  std::int64_t screening =
      256;  ///< with more observations than this, all starts are searched on that many of them (evenly picked), and only the
            ///< best result goes on with all: the cost of a cold search is then a few full evaluations
  int polish_rounds = 25;       ///< full evaluations after a screening
  int alternative_rounds = 15;  ///< in which the best start goes on with each of FitTask::alternatives
  double least_gain = 0.2;      ///< by how much the log evidence of an alternative has to be better, per observation
  std::uint64_t seed = 0;
  std::function<bool()> stop = {};  ///< asked between evaluations; true ends the search with the best so far
};

struct FitReport {
  Theta theta;       ///< the best found
  double value = 0;  ///< negative log posterior density there
  int rounds = 0;
  bool fitted = false;     ///< false: no start could be evaluated; theta is then the prior's mode
  bool stopped = false;    ///< ended by `stop`
  std::size_t choice = 0;  ///< 0: `theta` belongs to FitTask::targets; k: to the k-th of its alternatives
};

/// The same observations seen through a map of their targets.
struct FitTargets {
  std::span<const double> values;      ///< n, standardized
  std::span<const double> log_slopes;  ///< n: logarithm of the map's derivative at each of them; empty: zeros
};

/// One of many searches: what to fit, in host memory (valid during the call), and how.
///
/// Where there are alternatives to the targets, the best start of the search goes on for a while with each of them, and what
/// the data speaks for is taken: the greatest log density of the observations as they were before any map, that is of the
/// targets plus the sum of their log slopes (Snelson, Ghahramani & Rasmussen 2003, "Warped Gaussian processes", eq. 6), where
/// an alternative has to lead by `least_gain` per observation.
struct FitTask {
  Settings settings;
  std::span<const double> points;         ///< row-major n x d
  std::span<const double> targets;        ///< n, standardized
  std::span<const double> noise_weights;  ///< n, or empty
  FitOptions options;
  std::span<const double> log_slopes = {};  ///< of `targets`, as FitTargets has them
  std::vector<FitTargets> alternatives = {};
};

/// Searches hyperparameters for many data sets at once. Searches of the same number of dimensions, kernel family, rounds and
/// about the same size share one batch, whose axis is data sets x starts; those with a `stop` go alone. The result of each is
/// what it would be alone: to the bit on the CPU. `stop`, if given, ends all of them; those it cut short or left out say
/// `stopped`.
[[nodiscard]] std::vector<FitReport> fit(backend::Arena& arena, std::span<const FitTask> tasks,
                                         const std::function<bool()>& stop = {});

/// Searches hyperparameters for the data of `regression`, which is left as it is (call `factorize` with the result).
[[nodiscard]] FitReport fit(const Regression& regression, const FitOptions& options);

/// The prior's mode: where a search begins, and what is used when there is nothing better.
[[nodiscard]] Theta prior_mode(const Settings& settings);

}  // namespace warpbo::gp
