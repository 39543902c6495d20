/// Trust regions: where they are and how large, told from a study's history alone (Eriksson et al. 2019, arXiv 1910.01739).
///
/// Every trial that a region proposes carries the region's number and its batch in its origin, for example
/// "trust/logei@2.140": region 2, the batch of the ask at which 140 trials existed. With these and the values, the counters of
/// every region are replayed at each ask, so any process that sees the history continues the study in the same way:
///   unlabelled trials   belong to region 0: a study that another strategy began, or shares, goes on at its best point; they
///                       move the region but are not counted;
///   a batch succeeds    when it betters its region's best by more than a small part of the spread of the region's values;
///   three successes     double the region's length, failures (counted in trials) halve it;
///   too short           the region has collapsed.
/// A region is at work until it collapses or until the history holds a trial of a later one: whoever finds that a region has
/// nothing left to gain begins the next, and with that trial everyone knows.
#pragma once

#include <warpbo/trial.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo::samplers {

/// Whose a trial is.
struct RegionLabel {
  std::int64_t region = 0;
  std::uint64_t batch = 0;  ///< how many trials existed when it was asked for
  bool design = false;      ///< one of the region's first, quasi-random points
};

/// The origin of a proposal, for example region_origin("logei", {2, 140}).
[[nodiscard]] std::string region_origin(std::string_view how, const RegionLabel& label);
/// The label in a trial's origin; nothing for trials of other strategies.
[[nodiscard]] std::optional<RegionLabel> region_label(const Trial& trial);

/// The highest number of a region that has trials; -1 without.
[[nodiscard]] std::int64_t latest_region(std::span<const Trial> trials);

struct TrustRegionRules {
  double initial_length = 0.8;  ///< of a box's side, in units of the cube
  double min_length = 0.0078125;
  double max_length = 1.6;
  int successes = 3;             ///< batches in a row that double the length
  std::int64_t failures = 4;     ///< trials in a row that halve it; at least the dimension
  double least_progress = 1e-3;  ///< of the spread of the region's latest values: what counts as success
};

/// A region after replay. Indices are into the trials that were given.
struct TrustRegion {
  std::int64_t number = 0;
  double length = 0;
  int successes = 0;
  std::int64_t failures = 0;
  bool collapsed = false;
  std::vector<std::size_t> trials;  ///< finished ones, by number
  std::optional<std::size_t> best;  ///< the best complete trial
  std::int64_t design = 0;          ///< finished and pending points of its design
};

/// Replays a study. `values` are the targets of `finished`, to be minimized, +infinity for trials without a value; `finished`
/// is in the order of the trials' numbers. Regions come in the order of their numbers, region 0 always among them.
[[nodiscard]] std::vector<TrustRegion> replay_regions(std::span<const Trial* const> finished, std::span<const double> values,
                                                      std::span<const Trial> pending, const TrustRegionRules& rules);

}  // namespace warpbo::samplers
