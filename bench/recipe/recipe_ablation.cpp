// Regret of a strategy on test problems, with choices of its recipe overridden:
//
//   recipe_ablation hartmann6 rosenbrock5 seeds=40 sampler=gp noise_sd=1 initial=10
//   recipe_ablation rastrigin20 levy20 sampler=trust batch=100 trials=1100 seeds=5 threads=2
//
// Prints, per problem, the median and quartiles of the final regret (with noise: without it, of the trial that a model of all
// takes for the best), how many runs ended above 0.05, and seconds per run.
// Problems and settings: catalogue.cpp.
#include "catalogue.hpp"
#include "math/philox.hpp"
#include "samplers/gp_observations.hpp"
#include "space/encoder.hpp"

#include <warpbo/gaussian_process.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace warpbo;
using bench::Settings;

/// The trial with the best mean of a Gaussian process that is the same whatever the strategy: what one would use, where there
/// is noise.
std::size_t modelled_best(const problems::Problem& problem, const std::vector<Trial>& history) {
  const space::Encoder encoder(problem.space);
  const samplers::Observations data = samplers::observe(encoder, history, Direction::minimize);
  GaussianProcessOptions options;
  options.dimensions = static_cast<int>(encoder.dimensions());
  options.device = Device::cpu();
  const auto model = GaussianProcess::fit(data.rows, data.values, options);
  const std::vector<double> mean = model.predict(data.rows).mean;
  return static_cast<std::size_t>(std::min_element(mean.begin(), mean.end()) - mean.begin());
}

double final_regret(const problems::Problem& problem, const Settings& settings, int trials, std::uint64_t seed) {
  const auto sampler = bench::make_sampler(settings, seed);
  std::vector<Trial> history;
  double best = std::numeric_limits<double>::infinity();         // regret without the noise ...
  double recommended = std::numeric_limits<double>::infinity();  // ... of the trial with the best observed value
  while (std::ssize(history) < trials) {
    // A design that is given is told before the first batch.
    const int wanted = history.empty() && settings.initial > 0 ? settings.initial : settings.batch;
    const int count = std::min(wanted, trials - static_cast<int>(history.size()));
    const SuggestRequest request{problem.space, history, {}, Direction::minimize, count, {}, history.size()};
    const SuggestResult result = sampler->suggest(request);
    for (const Suggestion& suggestion : result.suggestions) {
      Trial trial;
      trial.id = trial.number = std::ssize(history);
      trial.state = TrialState::complete;
      trial.parameters = suggestion.parameters;
      trial.attributes["warpbo:origin"] = "\"" + suggestion.origin + "\"";
      const double value = problem(suggestion.parameters);
      trial.value = value + settings.noise * math::philox_normal(seed, 99, history.size(), 0);
      if (*trial.value < recommended) {
        recommended = *trial.value;
        best = problem.regret(value);
      }
      if (settings.trace)
        std::printf("seed %2d trial %3d %-16s regret %10.4g best %10.4g loo %6.3f noise %8.2g logei %6.2f\n",
                    static_cast<int>(seed), static_cast<int>(trial.number), suggestion.origin.c_str(),
                    problem.regret(*trial.value), best, result.model.leave_one_out_r2, result.model.noise_variance,
                    result.model.log_expected_improvement);
      history.push_back(std::move(trial));
    }
  }
  if (settings.noise > 0) best = problem.regret(problem(history[modelled_best(problem, history)].parameters));
  return best;
}

/// Every seed's final regret, by seed.
std::vector<double> run(const problems::Problem& problem, const Settings& settings, int trials) {
  std::vector<double> regrets(settings.seeds);
  std::atomic<std::uint64_t> next = 0;
  const auto work = [&] {
    for (std::uint64_t i = next++; i < settings.seeds; i = next++)
      regrets[i] = final_regret(problem, settings, trials, settings.first + i);
  };
  std::vector<std::jthread> threads;
  for (int i = 1; i < settings.threads; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  return regrets;
}

void measure(const std::string& name, const Settings& settings) {
  const problems::Problem problem = bench::find_problem(name);
  const int trials = settings.trials > 0 ? settings.trials : name == "branin" ? 40 : 100;
  const auto start = std::chrono::steady_clock::now();
  std::vector<double> regrets = run(problem, settings, trials);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (settings.each) {
    std::printf("%s:", name.c_str());
    for (const double regret : regrets) std::printf(" %.3g", regret);
    std::printf("\n");
  }
  std::sort(regrets.begin(), regrets.end());
  const std::size_t n = regrets.size();
  const double median = n % 2 == 1 ? regrets[n / 2] : 0.5 * (regrets[n / 2 - 1] + regrets[n / 2]);
  const auto above = std::count_if(regrets.begin(), regrets.end(), [](double regret) { return regret > 0.05; });
  std::printf("%-18s median %9.3g  quartiles %9.3g %9.3g  above 0.05: %2d of %zu  %.2f s per run\n", name.c_str(), median,
              regrets[n / 4], regrets[3 * n / 4], static_cast<int>(above), n, seconds / static_cast<double>(n));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  Settings settings;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos) {
      names.push_back(argument);
    } else if (!bench::apply(argument.substr(0, equals), argument.substr(equals + 1), settings)) {
      std::fprintf(stderr, "recipe_ablation: unknown setting '%s'\n", argument.c_str());
      return 1;
    }
  }
  for (const std::string& name : names) measure(name, settings);
} catch (const std::exception& error) {
  std::fprintf(stderr, "recipe_ablation: %s\n", error.what());
  return 1;
}
