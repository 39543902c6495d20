#include "catalogue.hpp"

#include "samplers/gp_sampler.hpp"

#include <stdexcept>

namespace warpbo::bench {

problems::Problem find_problem(const std::string& name) {
  using namespace problems;
  static const std::map<std::string, std::function<Problem()>> fixed = {
      {"branin", branin}, {"hartmann3", hartmann3}, {"hartmann6", hartmann6}, {"mixed", mixed}, {"shekel", [] {
                                                                                                   return shekel();
                                                                                                 }}};
  static const std::map<std::string, std::function<Problem(int)>> families = {
      {"ackley", [](int d) { return ackley(d); }},
      {"levy", [](int d) { return levy(d); }},
      {"michalewicz", michalewicz},
      {"rastrigin", [](int d) { return rastrigin(d); }},
      {"rosenbrock", [](int d) { return rosenbrock(d); }},
      {"styblinski", [](int d) { return styblinski_tang(d); }},
      {"narrow_ackley", narrow_ackley},
      {"griewank", griewank},
      {"schwefel", schwefel},
      {"dixon", dixon_price},
      {"powell", powell},
      {"rotated_rastrigin", rotated_rastrigin},
      {"rotated_ellipsoid", rotated_ellipsoid},
      {"rotated_ackley", rotated_ackley},
      {"embedded", embedded_hartmann6},
  };
  if (const auto found = fixed.find(name); found != fixed.end()) return found->second();
  const std::size_t digits = name.find_first_of("0123456789");
  if (digits != std::string::npos) {
    if (const auto found = families.find(name.substr(0, digits)); found != families.end())
      return found->second(std::stoi(name.substr(digits)));
  }
  throw std::invalid_argument("there is no problem '" + name + "'");
}

bool apply(const std::string& name, const std::string& text, Settings& settings) {
  if (name == "sampler") {
    settings.sampler = text;
    return true;
  }
  if (name == "acquisition") {
    settings.acquisition = parse_acquisition(text);
    return true;
  }
  const double value = std::stod(text);
  const auto integer = [&](auto& member) {
    return [&member, value] { member = static_cast<std::remove_reference_t<decltype(member)>>(value); };
  };
  const auto both = [&](auto samplers::GpRecipe::*member) {
    return [&settings, member, value] {
      using Type = std::remove_reference_t<decltype(settings.gp.*member)>;
      settings.gp.*member = settings.trust.model.*member = static_cast<Type>(value);
    };
  };
  using Recipe = samplers::GpRecipe;
  const std::map<std::string, std::function<void()>> setters = {
      {"first", integer(settings.first)},
      {"seeds", integer(settings.seeds)},
      {"threads", integer(settings.threads)},
      {"batch", integer(settings.batch)},
      {"trials", integer(settings.trials)},
      {"initial", integer(settings.initial)},
      {"noise", integer(settings.noise)},
      {"noisy", integer(settings.noisy)},
      {"regions", integer(settings.regions)},
      {"each", integer(settings.each)},
      {"trace", integer(settings.trace)},
      {"candidates", both(&Recipe::candidates)},
      {"starts", both(&Recipe::starts)},
      {"batch_starts", both(&Recipe::batch_starts)},
      {"noise_center", both(&Recipe::noise_center)},
      {"noise_sd", both(&Recipe::noise_sd)},
      {"min_noise", both(&Recipe::min_noise)},
      {"lengthscale_shift", both(&Recipe::lengthscale_shift)},
      {"lengthscale_sd", both(&Recipe::lengthscale_sd)},
      {"outputscale_shape", both(&Recipe::outputscale_shape)},
      {"warp", both(&Recipe::warp)},
      {"log_offset", both(&Recipe::log_offset)},
      {"local_log_offset", integer(settings.trust.model.log_offset)},
      {"least_log_gain", both(&Recipe::least_log_gain)},
      {"log_rounds", both(&Recipe::log_rounds)},
      {"max_observations", both(&Recipe::max_observations)},
      {"large_batch", both(&Recipe::large_batch)},
      {"large_joint", both(&Recipe::large_joint)},
      {"large_joint_until", both(&Recipe::large_joint_until)},
      {"large_exploring", both(&Recipe::large_exploring)},
      {"path_candidates", both(&Recipe::path_candidates)},
      {"path_features", both(&Recipe::path_features)},
      {"path_starts", both(&Recipe::path_starts)},
      {"path_rounds", both(&Recipe::path_rounds)},
      {"least_spread", both(&Recipe::least_spread)},
      {"climb_rounds", both(&Recipe::climb_rounds)},
      {"batch_rounds", both(&Recipe::batch_rounds)},
      {"batch_tolerance", both(&Recipe::batch_tolerance)},
      {"cold_restarts", both(&Recipe::cold_restarts)},
      {"cold_rounds", both(&Recipe::cold_rounds)},
      {"trial_rounds", both(&Recipe::trial_rounds)},
      {"finalists", both(&Recipe::finalists)},
      {"polish_rounds", both(&Recipe::polish_rounds)},
      {"fit_subset", both(&Recipe::fit_subset)},
      {"local_cold_restarts", integer(settings.trust.model.cold_restarts)},
      {"local_cold_rounds", integer(settings.trust.model.cold_rounds)},
      {"local_fit_subset", integer(settings.trust.model.fit_subset)},
      {"length", integer(settings.trust.rules.initial_length)},
      {"min_length", integer(settings.trust.rules.min_length)},
      {"successes", integer(settings.trust.rules.successes)},
      {"failures", integer(settings.trust.rules.failures)},
      {"progress", integer(settings.trust.rules.least_progress)},
      {"local_pending", integer(settings.trust.modelled_pending)},
      {"local", integer(settings.trust.local)},
      {"exhausted", integer(settings.trust.exhausted)},
      {"known", integer(settings.trust.known)},
      {"first_region", integer(settings.trust.first_region)},
      {"auto_exhausted", integer(settings.automatic.exhausted)},
      {"auto_unexplained", integer(settings.automatic.unexplained)},
      {"auto_poor", integer(settings.automatic.poor_prediction)},
      {"auto_fresh_length", integer(settings.automatic.fresh_length)},
      {"auto_promising", integer(settings.automatic.promising)},
      {"auto_global_turns", integer(settings.automatic.global_turns)},
      {"auto_portfolio_from", integer(settings.automatic.portfolio_from)},
      {"auto_global_trials", integer(settings.automatic.global_trials)},
      {"auto_smooth_turns", integer(settings.automatic.smooth_turns)},
      {"auto_global_share", integer(settings.automatic.global_share)},
      {"additive_share", integer(settings.automatic.additive_share)},
      {"additive_beaten", integer(settings.automatic.additive_beaten)},
      {"additive_turns", integer(settings.automatic.additive_turns)},
      {"additive_least_spread", integer(settings.automatic.main_effects.least_spread)},
      {"additive_waves", integer(settings.automatic.main_effects.waves)},
      {"additive_polynomials", integer(settings.automatic.main_effects.polynomials)},
      {"additive_apart", integer(settings.automatic.main_effects.apart)},
      {"auto_local_turns", integer(settings.automatic.local_turns)},
      {"least_data", integer(settings.trust.least_data)},
      {"most_data", integer(settings.trust.most_data)},
  };
  const auto setter = setters.find(name);
  if (setter == setters.end()) return false;
  setter->second();
  return true;
}

std::unique_ptr<Sampler> make_sampler(const Settings& settings, std::uint64_t seed) {
  SamplerOptions options;
  options.seed = seed;
  options.noise = settings.noisy ? Noise::noisy : Noise::infer;
  options.acquisition = settings.acquisition;
  options.trust_regions = settings.regions;
  options.initial_trials = settings.initial;
  options.device = Device::cpu();
  if (settings.sampler == "gp") return samplers::make_gp_sampler(options, settings.gp);
  if (settings.sampler == "trust") return samplers::make_trust_region_sampler(options, settings.trust);
  if (settings.sampler == "auto") {
    samplers::AutomaticRecipe recipe = settings.automatic;
    recipe.global = settings.gp;
    recipe.trust = settings.trust;
    return samplers::make_automatic_sampler(options, recipe);
  }
  options.kind = parse_sampler_kind(settings.sampler);
  return warpbo::make_sampler(options);
}

}  // namespace warpbo::bench
