/// The strategies that come with warpbo, one maker each. Every one of them is a deterministic function of the request and the
/// options.
#pragma once

#include <warpbo/sampler.hpp>

#include <memory>

namespace warpbo::samplers {

[[nodiscard]] std::unique_ptr<Sampler> make_random_sampler(const SamplerOptions& options);
[[nodiscard]] std::unique_ptr<Sampler> make_grid_sampler(const SamplerOptions& options);
[[nodiscard]] std::unique_ptr<Sampler> make_sobol_sampler(const SamplerOptions& options);
[[nodiscard]] std::unique_ptr<Sampler> make_differential_evolution_sampler(const SamplerOptions& options);
[[nodiscard]] std::unique_ptr<Sampler> make_gp_sampler(const SamplerOptions& options);
[[nodiscard]] std::unique_ptr<Sampler> make_automatic_sampler(const SamplerOptions& options);

}  // namespace warpbo::samplers
