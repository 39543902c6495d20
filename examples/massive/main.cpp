// Fits the 30 rate constants of a metabolic pathway to (synthetic) measurements, a thousand simulations at a time:
//
//   massive [rounds = 4] [trials per round = 1000]
#include "pathway.hpp"

#include <warpbo/warpbo.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

warpbo::Space space() {
  warpbo::Space out;
  for (std::size_t i = 0; i < pathway::kReactions; ++i) {
    const std::string number = std::to_string(i + 1);
    out.real("V" + number, 0.05, 2).log();
    out.real("Ks" + number, 0.1, 10).log();
    out.real("Ki" + number, 0.5, 100).log();
  }
  return out;
}

pathway::Rates rates_of(const warpbo::Trial& trial) {
  pathway::Rates rates;
  for (std::size_t i = 0; i < pathway::kReactions; ++i) {
    const std::string number = std::to_string(i + 1);
    rates.speed[i] = trial.get<double>("V" + number);
    rates.affinity[i] = trial.get<double>("Ks" + number);
    rates.inhibition[i] = trial.get<double>("Ki" + number);
  }
  return rates;
}

/// The pathway that the measurements come from.
pathway::Rates hidden_rates() {
  pathway::Rates rates;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(0.2, 0.8);
  for (std::size_t i = 0; i < pathway::kReactions; ++i) {
    rates.speed[i] = 0.05 * std::pow(2 / 0.05, uniform(random));
    rates.affinity[i] = 0.1 * std::pow(10 / 0.1, uniform(random));
    rates.inhibition[i] = 0.5 * std::pow(100 / 0.5, uniform(random));
  }
  return rates;
}

std::vector<double> measurements() {
  std::vector<double> values = pathway::experiments(hidden_rates());
  std::mt19937 random(11);
  std::normal_distribution<double> noise(0, 1);
  for (double& value : values) value = std::max(value + noise(random) * (0.05 * value + 0.01), 0.0);
  return values;
}

/// Simulates all trials, on all cores.
std::vector<double> simulate_all(const std::vector<warpbo::Trial>& trials, const std::vector<double>& measured) {
  std::vector<double> values(trials.size());
  const std::size_t workers = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::thread> threads;
  for (std::size_t worker = 0; worker < workers; ++worker)
    threads.emplace_back([&, worker] {
      for (std::size_t i = worker; i < trials.size(); i += workers)
        values[i] = std::log10(pathway::misfit(pathway::experiments(rates_of(trials[i])), measured));
    });
  for (std::thread& thread : threads) thread.join();
  return values;
}

/// The misfits of a round as a row of bars: how many trials fell into each fifth of a decade from 1 to 100.
std::string histogram(const std::vector<double>& values) {
  static const char* const kBars[] = {" ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
  std::vector<std::size_t> counts(10);
  for (const double value : values)
    ++counts[static_cast<std::size_t>(std::clamp(value * 5, 0.0, static_cast<double>(counts.size()) - 1))];
  const std::size_t most = std::max<std::size_t>(*std::max_element(counts.begin(), counts.end()), 1);
  std::string out;
  for (const std::size_t count : counts) out += kBars[(8 * count + most - 1) / most];
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 4, per_round = argc > 2 ? std::atoi(argv[2]) : 1000;
  if (rounds < 1 || per_round < 1) {
    std::fprintf(stderr, "usage: massive [rounds] [trials per round], both at least 1\n");
    return 1;
  }
  const std::vector<double> measured = measurements();
  const double noise_floor = pathway::misfit(pathway::experiments(hidden_rates()), measured);
  auto study = warpbo::Study::create("pathway", space());
  std::printf("Fitting 30 rate constants to %zu measurements; the true ones misfit by %.2f.\n\n", measured.size(), noise_floor);
  std::printf("round   trials     best   median  1 .. misfit .. 100   ask s  simulate s\n");
  double asking = 0, simulating = 0;
  for (int round = 1; round <= rounds; ++round) {
    const auto asked = Clock::now();
    const std::vector<warpbo::Trial> trials = study.ask(per_round);
    const double ask_seconds = seconds_since(asked);
    const auto simulated = Clock::now();
    std::vector<double> values = simulate_all(trials, measured);
    const double simulate_seconds = seconds_since(simulated);
    std::vector<warpbo::Study::Result> results;
    for (std::size_t i = 0; i < trials.size(); ++i) results.push_back({trials[i].number, values[i]});
    study.tell(results);
    std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
    std::printf("%5d %8d %8.3f %8.2f  %s            %6.2f %11.2f\n", round, round * per_round,
                std::pow(10, *study.best().value), std::pow(10, values[values.size() / 2]), histogram(values).c_str(),
                ask_seconds, simulate_seconds);
    std::fflush(stdout);
    asking += ask_seconds;
    simulating += simulate_seconds;
  }
  const warpbo::Trial best = study.best();
  const pathway::Rates found = rates_of(best), hidden = hidden_rates();
  int close = 0;
  for (std::size_t i = 0; i < pathway::kReactions; ++i)
    for (const double ratio :
         {found.speed[i] / hidden.speed[i], found.affinity[i] / hidden.affinity[i], found.inhibition[i] / hidden.inhibition[i]})
      close += ratio > 0.5 && ratio < 2 ? 1 : 0;
  std::printf("\nbest misfit %.3f (the truth: %.2f) after %d simulations, trial %lld\n", std::pow(10, *best.value), noise_floor,
              rounds * per_round, static_cast<long long>(best.number));
  std::printf("%d of 30 constants within a factor of 2 of the truth\n", close);
  std::printf("%.1f s asking (%.0f trials/s), %.1f s simulating, model on %s\n", asking, rounds * per_round / asking,
              simulating, study.model().device.empty() ? "nothing yet" : study.model().device.c_str());
}
