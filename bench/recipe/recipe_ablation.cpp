// Regret of the gp strategy on test problems, with choices of its recipe overridden:
//
//   recipe_ablation hartmann6 rosenbrock5 seeds=40 noise_sd=1 initial=10
//
// Prints, per problem, the median and quartiles of the final regret, how many runs ended above 0.05, and seconds per run.
// Settings: seeds, batch, trials, initial, and the numeric members of GpRecipe listed in `apply`.
#include "problems/problems.hpp"
#include "samplers/gp_sampler.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace warpbo;

struct Settings {
  std::uint64_t seeds = 10;
  int batch = 1;
  int trials = 0;  // 0: 40 for Branin, 100 for the others
  int initial = 0;
  samplers::GpRecipe recipe;
};

const std::map<std::string, std::function<problems::Problem()>>& catalogue() {
  static const std::map<std::string, std::function<problems::Problem()>> all = {
      {"branin", problems::branin},
      {"hartmann6", problems::hartmann6},
      {"mixed", problems::mixed},
      {"shekel", [] { return problems::shekel(); }},
      {"ackley5", [] { return problems::ackley(5); }},
      {"ackley10", [] { return problems::ackley(10); }},
      {"ackley20", [] { return problems::ackley(20); }},
      {"levy10", [] { return problems::levy(10); }},
      {"levy20", [] { return problems::levy(20); }},
      {"rosenbrock10", [] { return problems::rosenbrock(10); }},
      {"rosenbrock20", [] { return problems::rosenbrock(20); }},
      {"rastrigin20", [] { return problems::rastrigin(20); }},
      {"styblinski10", [] { return problems::styblinski_tang(10); }},
      {"styblinski20", [] { return problems::styblinski_tang(20); }},
      {"michalewicz5", [] { return problems::michalewicz(5); }},
      {"michalewicz10", [] { return problems::michalewicz(10); }},
      {"rastrigin5", [] { return problems::rastrigin(5); }},
      {"rosenbrock5", [] { return problems::rosenbrock(5); }},
      {"styblinski5", [] { return problems::styblinski_tang(5); }},
  };
  return all;
}

/// Applies name=value; false if there is no such setting.
bool apply(const std::string& name, double value, Settings& settings) {
  samplers::GpRecipe& recipe = settings.recipe;
  const std::map<std::string, std::function<void()>> setters = {
      {"seeds", [&] { settings.seeds = static_cast<std::uint64_t>(value); }},
      {"batch", [&] { settings.batch = static_cast<int>(value); }},
      {"trials", [&] { settings.trials = static_cast<int>(value); }},
      {"initial", [&] { settings.initial = static_cast<int>(value); }},
      {"candidates", [&] { recipe.candidates = static_cast<std::int64_t>(value); }},
      {"starts", [&] { recipe.starts = static_cast<int>(value); }},
      {"batch_starts", [&] { recipe.batch_starts = static_cast<int>(value); }},
      {"noise_center", [&] { recipe.noise_center = value; }},
      {"noise_sd", [&] { recipe.noise_sd = value; }},
      {"min_noise", [&] { recipe.min_noise = value; }},
      {"lengthscale_shift", [&] { recipe.lengthscale_shift = value; }},
      {"lengthscale_sd", [&] { recipe.lengthscale_sd = value; }},
      {"outputscale_shape", [&] { recipe.outputscale_shape = value; }},
      {"warp", [&] { recipe.warp = value != 0; }},
      {"large_batch", [&] { recipe.large_batch = static_cast<int>(value); }},
      {"large_joint", [&] { recipe.large_joint = static_cast<int>(value); }},
      {"large_fill", [&] { recipe.large_fill = value; }},
      {"path_candidates", [&] { recipe.path_candidates = static_cast<std::int64_t>(value); }},
      {"path_features", [&] { recipe.path_features = static_cast<std::int64_t>(value); }},
      {"path_starts", [&] { recipe.path_starts = static_cast<int>(value); }},
      {"path_rounds", [&] { recipe.path_rounds = static_cast<int>(value); }},
      {"least_spread", [&] { recipe.least_spread = value; }},
  };
  const auto setter = setters.find(name);
  if (setter == setters.end()) return false;
  setter->second();
  return true;
}

double final_regret(const problems::Problem& problem, const Settings& settings, int trials, std::uint64_t seed) {
  SamplerOptions options;
  options.seed = seed;
  options.initial_trials = settings.initial;
  options.device = Device::cpu();
  const auto sampler = samplers::make_gp_sampler(options, settings.recipe);
  std::vector<Trial> history;
  double best = std::numeric_limits<double>::infinity();
  while (std::ssize(history) < trials) {
    const int count = std::min(settings.batch, trials - static_cast<int>(history.size()));
    const SuggestRequest request{problem.space, history, {}, Direction::minimize, count, {}, history.size()};
    for (const Suggestion& suggestion : sampler->suggest(request).suggestions) {
      Trial trial;
      trial.id = trial.number = std::ssize(history);
      trial.state = TrialState::complete;
      trial.parameters = suggestion.parameters;
      trial.value = problem(suggestion.parameters);
      best = std::min(best, problem.regret(*trial.value));
      history.push_back(std::move(trial));
    }
  }
  return best;
}

void measure(const std::string& name, const Settings& settings) {
  const problems::Problem problem = catalogue().at(name)();
  const int trials = settings.trials > 0 ? settings.trials : name == "branin" ? 40 : 100;
  std::vector<double> regrets;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = 0; seed < settings.seeds; ++seed) regrets.push_back(final_regret(problem, settings, trials, seed));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::sort(regrets.begin(), regrets.end());
  const std::size_t n = regrets.size();
  const double median = n % 2 == 1 ? regrets[n / 2] : 0.5 * (regrets[n / 2 - 1] + regrets[n / 2]);
  const auto above = std::count_if(regrets.begin(), regrets.end(), [](double regret) { return regret > 0.05; });
  std::printf("%-14s median %9.3g  quartiles %9.3g %9.3g  above 0.05: %2d of %zu  %.2f s per run\n", name.c_str(), median,
              regrets[n / 4], regrets[3 * n / 4], static_cast<int>(above), n, seconds / static_cast<double>(n));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    const bool known = equals == std::string::npos
                           ? catalogue().contains(argument)
                           : apply(argument.substr(0, equals), std::stod(argument.substr(equals + 1)), settings);
    if (!known) {
      std::fprintf(stderr, "recipe_ablation: unknown problem or setting '%s'\n", argument.c_str());
      return 1;
    }
    if (equals == std::string::npos) names.push_back(argument);
  }
  for (const std::string& name : names) measure(name, settings);
}
