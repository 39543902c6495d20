/// Which hyperparameter searches a study's data asks for. Host data alone: no device takes part.
#pragma once

#include "gp/fit.hpp"
#include "gp/warp.hpp"
#include "samplers/gp_observations.hpp"
#include "samplers/gp_recipe.hpp"
#include "space/encoder.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace warpbo::samplers {

/// Hyperparameters are searched thoroughly (cold) only at anchors: when the data has grown by a fixed factor. There it is also
/// decided through which map (gp::Warp) the targets are seen. In between, the search begins at the anchor's result and takes a
/// few rounds, at every ask of a small study and on a schedule in a larger one, where new observations otherwise extend the
/// factor. All of it depends on the data alone: a process that continues a study repeats the last searches and is where the
/// others are (to rounding errors, once factors are extended).
class GpPlan {
 public:
  struct Found {
    std::uint64_t data = 0;  ///< identifies the observations it was fitted to
    gp::Theta theta;
    std::size_t warp = 0;  ///< which of warps() the targets had
  };
  /// The last searches.
  struct Searches {
    std::optional<Found> anchor;   ///< cold
    std::optional<Found> refined;  ///< warm
  };
  /// A search that has to be made, with what it needs.
  struct Due {
    bool cold = true;
    std::uint64_t data = 0;
    Observations observations;
    std::vector<gp::WarpedTargets> targets;  ///< those to choose from, the first one in doubt
    std::size_t warp = 0;                    ///< which of warps() the first one has; others follow in the order of warps()
    gp::FitOptions options;

    /// As gp::fit takes it; valid as long as this object lives where it is.
    [[nodiscard]] gp::FitTask task(const gp::Settings& settings) const;
  };

  GpPlan(const space::Encoder& encoder, Noise noise, const GpRecipe& recipe, std::uint64_t seed);

  [[nodiscard]] const gp::Settings& settings() const noexcept { return settings_; }
  /// The maps of the targets between which anchors choose; the first is taken unless the data speaks for another.
  [[nodiscard]] const std::vector<gp::Warp>& warps() const noexcept { return warps_; }

  /// The next search for these observations, given what was found before. When there is none, `*use` (if wanted) becomes what
  /// to use.
  [[nodiscard]] std::optional<Due> due(const Observations& used, const Searches& searches, Found* use = nullptr) const;
  /// Records a search's result. One that could evaluate nothing counts as made: of a cold one the prior's mode is kept, of a
  /// warm one its start.
  static void accept(const Due& due, const gp::FitReport& report, Searches& searches);

 private:
  gp::Settings settings_;
  std::vector<gp::Warp> warps_;
  GpRecipe recipe_;
  std::uint64_t seed_;
  std::int64_t dimensions_;
};

}  // namespace warpbo::samplers
