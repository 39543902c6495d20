/// What the strategies with a Gaussian process have in common, whether it is one of the whole space or of a trust region.
#pragma once

#include "acquisition/propose.hpp"
#include "samplers/gp_domain.hpp"
#include "samplers/gp_model.hpp"
#include "samplers/gp_recipe.hpp"
#include "space/encoder.hpp"

#include <warpbo/sampler.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace warpbo::samplers {

/// Trials before the model proposes. Few: on the test problems larger designs lose early and find the better basin no more
/// often (bench/README.md).
[[nodiscard]] std::int64_t design_size(const SamplerOptions& options, std::int64_t dimensions);

/// Whether the best observed value is uncertain.
[[nodiscard]] bool is_noisy(const SamplerOptions& options, const GpRecipe& recipe, const gp::Regression& regression);

/// Pending and failed points are never proposed again; observed ones only where the objective is said to be noisy and the space
/// is finite. Elsewhere there is always another point as good beside them, and it tells about the slope too (bench/README.md).
void exclude_known(const SamplerOptions& options, const Observations& data, std::span<const double> pending, GpDomain& domain);

/// How a search for `count` points begins, whatever its candidates: seed, climbs, pending points (row-major), and the best
/// value known, unless observations are noisy.
[[nodiscard]] acquisition::ProposeOptions search_options(const SamplerOptions& options, const GpRecipe& recipe,
                                                         const GpModel& model, const gp::Regression& regression,
                                                         std::uint64_t draw, int count, std::span<const double> pending);

/// What a model says of itself.
[[nodiscard]] ModelSummary summarize(const space::Encoder& encoder, const GpModel& model, const gp::Regression& regression);

/// The pending trials of a request, and proposals that were made for it but are no trials yet.
[[nodiscard]] std::vector<Trial> with_proposals(const SuggestRequest& request, std::span<const Suggestion> proposals);

/// What is said when time ends a search.
[[nodiscard]] std::string time_is_up(std::size_t chosen, int wanted);

}  // namespace warpbo::samplers
