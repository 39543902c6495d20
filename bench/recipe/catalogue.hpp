// The problems and the settings that recipe_ablation knows by name.
#pragma once

#include "problems/problems.hpp"
#include "samplers/automatic.hpp"
#include "samplers/gp_recipe.hpp"
#include "samplers/trust_region_sampler.hpp"

#include <functional>
#include <map>
#include <string>

namespace warpbo::bench {

struct Settings {
  std::uint64_t first = 0;  // seed
  std::uint64_t seeds = 10;
  int threads = 1;
  int batch = 1;
  int trials = 0;  // 0: 40 for Branin, 100 for the others
  int initial = 0;
  double noise = 0;    // standard deviation of what is added to every value
  bool noisy = false;  // whether the strategy is told
  int regions = 1;     // of sampler=trust, searched at once
  bool each = false;   // print every run's regret
  bool trace = false;  // print every trial
  std::string sampler = "gp";
  AcquisitionFunction acquisition = AcquisitionFunction::expected_improvement;
  samplers::GpRecipe gp;
  samplers::TrustRegionRecipe trust;
  samplers::AutomaticRecipe automatic;
};

/// A problem by name and dimension, for example "rastrigin5"; throws if there is none.
problems::Problem find_problem(const std::string& name);

/// Applies name=value; false if there is no such setting.
bool apply(const std::string& name, const std::string& value, Settings& settings);

/// The strategy of the settings; recipes that were changed count for "gp", "trust" and "auto".
std::unique_ptr<Sampler> make_sampler(const Settings& settings, std::uint64_t seed);

}  // namespace warpbo::bench
