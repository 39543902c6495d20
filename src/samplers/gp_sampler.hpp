/// The Gaussian-process strategy.
#pragma once

#include "samplers/gp_engine.hpp"
#include "samplers/gp_recipe.hpp"

#include <warpbo/sampler.hpp>

#include <memory>

namespace warpbo::samplers {

/// The strategy with choices other than the default ones (for measurements), and with a way of its own to a backend (for
/// tests).
[[nodiscard]] std::unique_ptr<Sampler> make_gp_sampler(const SamplerOptions& options, const GpRecipe& recipe,
                                                       BackendOpener open = backend::open_backend);

}  // namespace warpbo::samplers
