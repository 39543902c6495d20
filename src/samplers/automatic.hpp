/// The default strategy.
#pragma once

#include "samplers/builtin.hpp"
#include "samplers/gp_recipe.hpp"
#include "samplers/main_effects.hpp"
#include "samplers/trust_region_sampler.hpp"

#include <warpbo/sampler.hpp>

#include <cstdint>
#include <memory>

namespace warpbo::samplers {

/// When `auto` turns from the global model to other strategies; bench/README.md has the measurements behind it.
struct AutomaticRecipe {
  double exhausted = -9.5;       ///< log expected improvement, in standard deviations, below which a search begins afresh
  double unexplained = 1e-3;     ///< noise variance above which a trust region takes turns: ripples the model cannot follow
  double poor_prediction = 0.6;  ///< leave-one-out R2 below which it does
  int local_turns = 4;           ///< the global model then keeps one of so many asks
  int smooth_turns = 3;          ///< where the model predicts well, a trust region gets one of so many asks
  int portfolio_from = 8;        ///< batches of at least this size always have a local part
  double global_share = 0.25;    ///< of a batch that has a local part ...
  int global_trials = 8;         ///< ... or so many trials of it, but not more than half
  double promising = -6;  ///< once a search has begun afresh, the global model needs to expect this much for its turns ...
  int global_turns = 3;   ///< ... which are one of so many asks; from the second such search on it has them anyway
  std::int64_t least_observations = 20;  ///< before these nothing is concluded
  double additive_share = 0.5;  ///< of a batch, where the sum of main effects predicts better than the global model ...
  int additive_turns = 3;       ///< ... and of single trials one of so many;
  int additive_beaten = 8;      ///< as long as others find better trials meanwhile, only one in so many of these
  int additive_latest = 4;      ///< judged by so many trials at least, or a batch's share
  GpRecipe global;              ///< of the global model
  TrustRegionRecipe trust;      ///< of the regions
  MainEffectsRecipe main_effects;
  double fresh_length = 1.6;  ///< with which a search that begins afresh begins: the whole space
};

[[nodiscard]] std::unique_ptr<Sampler> make_automatic_sampler(const SamplerOptions& options, const AutomaticRecipe& recipe,
                                                              const BackendOpener& open = backend::open_backend);

}  // namespace warpbo::samplers
