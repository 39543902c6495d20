/// The trust-region strategy: a local model inside a box around the best point (Eriksson et al. 2019, arXiv 1910.01739).
#pragma once

#include "samplers/gp_engine.hpp"
#include "samplers/gp_recipe.hpp"
#include "samplers/trust_region.hpp"

#include <warpbo/sampler.hpp>

#include <memory>

namespace warpbo::samplers {

/// The strategy's choices; bench/README.md has the measurements behind them.
struct TrustRegionRecipe {
  TrustRegionRules rules;
  /// Of the local model and of the search in the box. Its data changes with the box: hyperparameters are searched often, on
  /// part of it.
  GpRecipe model{.fit_subset = 500};
  std::size_t modelled_pending = 64;  ///< pending trials, nearest to the centre, whose values are sampled
  double local = 2;                   ///< the model's data lies in a box this many times larger ...
  std::int64_t least_data = 0;        ///< ... and is at least so many trials; 0: twice the dimension + 10
  std::int64_t most_data = 2000;      ///< nearest to the centre: what is further off says little in the box
  double exhausted = -9.5;            ///< log expected improvement, in standard deviations, below which a region is given up
  double known = 0.05;                ///< a later region that comes this close to the best point of another is given up
  std::int64_t first_region = 0;      ///< 1: searches afresh, whatever others have found
};

[[nodiscard]] std::unique_ptr<Sampler> make_trust_region_sampler(const SamplerOptions& options, const TrustRegionRecipe& recipe,
                                                                 BackendOpener open = backend::open_backend);

}  // namespace warpbo::samplers
