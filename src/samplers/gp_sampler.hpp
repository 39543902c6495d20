/// The Gaussian-process strategy.
#pragma once

#include "samplers/gp_recipe.hpp"

#include <warpbo/sampler.hpp>

#include <memory>

namespace warpbo::samplers {

/// The strategy with choices other than the default ones (for measurements).
[[nodiscard]] std::unique_ptr<Sampler> make_gp_sampler(const SamplerOptions& options, const GpRecipe& recipe);

}  // namespace warpbo::samplers
