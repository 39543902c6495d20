/// Proposals for objectives that are, or nearly are, a sum of functions of one parameter each (gp::AdditiveModel).
#pragma once

#include "base/deadline.hpp"
#include "samplers/gp_domain.hpp"
#include "samplers/gp_observations.hpp"
#include "samplers/proposals.hpp"

#include <warpbo/sampler.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace warpbo::samplers {

struct MainEffectsRecipe {
  std::int64_t waves = 32;           ///< cosines per parameter: ripples of up to half as many periods
  std::int64_t waves_of_all = 640;   ///< of all parameters at most; fewer for each where there are many
  std::int64_t least_waves = 8;      ///< with fewer a model is not worth making
  std::int64_t polynomials = 16;     ///< per parameter at most; beyond two only as many as there are observations to tell
  std::int64_t observations = 5000;  ///< the best and the latest
  double least_spread = 0.03;        ///< of the functions whose minima are proposed (gp::AdditiveModel::minimizers)
  double least_r2 = 0.5;             ///< of its predictions, below which it is not believed whatever the other model's are
  /// The search for a model ends early where it explains the observations worse than the other model by this part of what that
  /// leaves unexplained.
  double hopeless = 0.5;
  double apart = 1e-3;  ///< a proposal differs by this from every noise-free trial and every other proposal in some parameter
};

class MainEffects {
 public:
  MainEffects(const SamplerOptions& options, const MainEffectsRecipe& recipe) : options_(options), recipe_(recipe) {}

  /// Up to `request.count` proposals, if the additive model predicts the observations better than another one whose
  /// leave-one-out R2 is `other_r2`: otherwise none, and none where a limited time is too short.
  [[nodiscard]] std::vector<Suggestion> suggest(const SuggestRequest& request, double other_r2, const Deadline& deadline);

 private:
  [[nodiscard]] std::vector<double> spreads_of(int count, std::uint64_t seed) const;
  [[nodiscard]] std::vector<Suggestion> propose(const SuggestRequest& request, const Observations& data, const GpDomain& domain,
                                                const std::vector<double>& rows) const;

  SamplerOptions options_;
  MainEffectsRecipe recipe_;
  EncoderCache encoders_;
};

/// Whether the last `latest` trials of main effects that have ended did worse than the best that others made meanwhile. A model
/// may predict well where values are bad, and propose badly: what it proposed tells.
[[nodiscard]] bool main_effects_beaten(const SuggestRequest& request, std::size_t latest);

}  // namespace warpbo::samplers
