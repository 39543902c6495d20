/// Maximum a posteriori hyperparameters by batched multi-start L-BFGS.
#pragma once

#include "gp/regression.hpp"

#include <cstdint>
#include <vector>

namespace warpbo::gp {

struct FitOptions {
  std::vector<Theta> warm;  ///< starting points known to be good (the last fit)
  int restarts = 4;         ///< further ones: the prior's mode, then draws around it
  int max_rounds = 60;      ///< likelihood evaluations per start
  std::int64_t screening =
      256;  ///< with more observations than this, all starts are searched on that many of them (evenly picked), and only the
            ///< best result goes on with all: the cost of a cold search is then a few full evaluations
  int polish_rounds = 25;  ///< full evaluations after a screening
  std::uint64_t seed = 0;
};

struct FitReport {
  Theta theta;       ///< the best found
  double value = 0;  ///< negative log posterior density there
  int rounds = 0;
  bool fitted = false;  ///< false: no start could be evaluated; theta is then the prior's mode
};

/// Searches hyperparameters for the data of `regression`, which is left as it is (call `factorize` with the result).
[[nodiscard]] FitReport fit(const Regression& regression, const FitOptions& options);

/// The prior's mode: where a search begins, and what is used when there is nothing better.
[[nodiscard]] Theta prior_mode(const Settings& settings);

}  // namespace warpbo::gp
