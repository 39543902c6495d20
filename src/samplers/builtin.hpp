/// The strategies that come with warpbo, one maker each. Every one of them is a deterministic function of the request and the
/// options.
#pragma once

#include "backend/open.hpp"

#include <warpbo/sampler.hpp>

#include <functional>
#include <memory>

namespace warpbo::samplers {

/// How a strategy that computes comes to a backend.
using BackendOpener = std::function<backend::Opened(const Device&)>;

/// warpbo::make_sampler with a way of its own to a backend: studies that share one, or tests.
[[nodiscard]] std::unique_ptr<Sampler> make_sampler(const SamplerOptions& options, const BackendOpener& open);

[[nodiscard]] std::unique_ptr<Sampler> make_random_sampler(const SamplerOptions& options);
[[nodiscard]] std::unique_ptr<Sampler> make_grid_sampler(const SamplerOptions& options);
[[nodiscard]] std::unique_ptr<Sampler> make_sobol_sampler(const SamplerOptions& options);
[[nodiscard]] std::unique_ptr<Sampler> make_differential_evolution_sampler(const SamplerOptions& options);
[[nodiscard]] std::unique_ptr<Sampler> make_gp_sampler(const SamplerOptions& options, BackendOpener open);
[[nodiscard]] std::unique_ptr<Sampler> make_trust_region_sampler(const SamplerOptions& options, BackendOpener open);
[[nodiscard]] std::unique_ptr<Sampler> make_automatic_sampler(const SamplerOptions& options, const BackendOpener& open);

}  // namespace warpbo::samplers
