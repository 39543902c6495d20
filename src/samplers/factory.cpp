#include "samplers/builtin.hpp"

#include <warpbo/error.hpp>

#include <string>

namespace warpbo {

std::unique_ptr<Sampler> make_sampler(const SamplerOptions& options) {
  return samplers::make_sampler(options, backend::open_backend);
}

std::unique_ptr<Sampler> samplers::make_sampler(const SamplerOptions& options, const BackendOpener& open) {
  if (options.initial_trials < 0) {
    throw Error(ErrorCode::invalid_argument,
                "initial_trials is " + std::to_string(options.initial_trials) + "; give 0 (chosen from the dimension) or more");
  }
  if (options.grid_points < 1) {
    throw Error(ErrorCode::invalid_argument, "grid_points is " + std::to_string(options.grid_points) + "; give at least 1");
  }
  if (options.trust_regions < 1 || options.trust_regions > 1000) {
    throw Error(ErrorCode::invalid_argument,
                "trust_regions is " + std::to_string(options.trust_regions) + "; give a number from 1 to 1000");
  }
  if (!(options.ucb_coefficient >= 0 && options.ucb_coefficient < 1e6)) {
    throw Error(ErrorCode::invalid_argument,
                "ucb_coefficient is " + std::to_string(options.ucb_coefficient) + "; give a number from 0 to 1e6");
  }
  if (!(options.max_seconds_per_ask >= 0 && options.max_seconds_per_ask < 1e9)) {
    throw Error(ErrorCode::invalid_argument, "max_seconds_per_ask is " + std::to_string(options.max_seconds_per_ask) +
                                                 "; give a number of seconds, or 0 for no limit");
  }
  switch (options.kind) {
    case SamplerKind::automatic:
      return samplers::make_automatic_sampler(options, open);
    case SamplerKind::gp:
      return samplers::make_gp_sampler(options, open);
    case SamplerKind::random:
      return samplers::make_random_sampler(options);
    case SamplerKind::grid:
      return samplers::make_grid_sampler(options);
    case SamplerKind::sobol:
      return samplers::make_sobol_sampler(options);
    case SamplerKind::differential_evolution:
      return samplers::make_differential_evolution_sampler(options);
    case SamplerKind::trust_region:
      return samplers::make_trust_region_sampler(options, open);
  }
  throw Error(ErrorCode::invalid_argument, "unknown sampler kind " + std::to_string(static_cast<int>(options.kind)));
}

}  // namespace warpbo
