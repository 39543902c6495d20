/// Climbs of the likelihood from many starts on many data sets, as batches of one backend.
#pragma once

#include "gp/fit.hpp"

#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace warpbo::gp {

/// What became of one start.
struct End {
  Theta theta;
  double value = INFINITY;
};

/// What became of a job.
struct Outcome {
  std::vector<End> ends;  ///< of the starts that could be evaluated, the best first
  int rounds = 0;
  bool stopped = false;
};

/// One climb from some starts, as a part of a batch.
struct Job {
  std::size_t task = 0;
  std::size_t choice = 0;                                                // 0: of the task's targets; k: of its k-th alternative
  std::vector<double> thinned_points, thinned_targets, thinned_weights;  // what the spans show where not all data is used
  std::span<const double> points, targets, noise_weights;
  std::vector<Theta> starts;
  double log_jacobian = 0;  // sum of the log slopes
  int max_rounds = 0;
  const Settings* settings = nullptr;
  const std::function<bool()>* stop = nullptr;  // null: none

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(targets.size()); }
  [[nodiscard]] std::int64_t dimensions() const { return static_cast<std::int64_t>(settings->categorical.size()); }
};

/// Runs the jobs, those that can share a batch together. Returns what became of each.
[[nodiscard]] std::vector<Outcome> climb(backend::Arena& arena, const std::vector<Job>& jobs,
                                         const std::function<bool()>& stop);

}  // namespace warpbo::gp
