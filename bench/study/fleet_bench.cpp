/// Thousands of studies at once, and large ones.
///
/// Beside each time stands the counter `dgemm`, the rate of a matrix product (flop/s, one thread) measured right after it.
#include "study/support.hpp"

namespace {

using namespace bench;

constexpr int kDimensions = 6;

warpbo::StudyOptions gp_options(std::uint64_t seed, warpbo::SamplerKind kind = warpbo::SamplerKind::gp) {
  warpbo::StudyOptions options;
  options.sampler.kind = kind;
  options.sampler.seed = seed;
  options.sampler.device = warpbo::Device::cpu();
  return options;
}

/// Running trials at random points.
std::vector<warpbo::Trial> random_trials(warpbo::Study& study, int count) {
  warpbo::StudyOptions quick = gp_options(7);
  quick.sampler.kind = warpbo::SamplerKind::random;
  auto filler =
      warpbo::Study::open(study.name(), quick, std::shared_ptr<warpbo::Storage>(&study.storage(), [](warpbo::Storage*) {}));
  return filler.ask(count);
}

std::vector<warpbo::Study::Result> results_of(const std::vector<warpbo::Trial>& trials) {
  std::vector<warpbo::Study::Result> results;
  for (const warpbo::Trial& trial : trials) results.push_back({trial.number, objective(trial)});
  return results;
}

/// `count` studies with n results each, 6 dimensions: all models fitted from nothing, and one proposal each.
void many_from_cold(benchmark::State& state, bool together, warpbo::SamplerKind kind) {
  const auto count = static_cast<int>(state.range(0)), n = static_cast<int>(state.range(1));
  for (auto _ : state) {
    warpbo::Fleet fleet;
    std::vector<warpbo::Fleet::Ask> asks;
    for (int i = 0; i < count; ++i) {
      asks.push_back(
          {fleet.open({"s" + std::to_string(i), box(kDimensions), gp_options(static_cast<std::uint64_t>(i), kind), nullptr}),
           {}});
      warpbo::Study& study = *fleet.study(asks.back().study);
      study.tell(results_of(random_trials(study, n)));
    }
    const double before = peak_memory();
    const auto start = Clock::now();
    if (together) {
      for (const warpbo::Fleet::Asked& asked : fleet.ask(asks))
        if (asked.error) state.SkipWithError(asked.error->what());
    } else {
      for (const warpbo::Fleet::Ask& ask : asks) (void)fleet.study(ask.study)->ask();
    }
    state.SetIterationTime(seconds_since(start));
    state.counters["model_bytes"] = static_cast<double>(fleet.model_bytes());
    state.counters["peak_bytes"] = peak_memory();
    state.counters["grown_bytes"] = peak_memory() - before;
  }
  state.counters["dgemm"] = dgemm_rate();
}

/// A study with n results and a model gets 1,000 more; then the next ask, which works them into the factor.
void tell_many(benchmark::State& state) {
  for (auto _ : state) {
    auto study = warpbo::Study::create("bench", box(10), gp_options(1));
    study.tell(results_of(random_trials(study, static_cast<int>(state.range(0)) - 1)));
    const auto first = Clock::now();
    const warpbo::Trial last = study.ask();
    state.counters["first_ask_s"] = seconds_since(first);
    study.tell(last, objective(last));
    const std::vector<warpbo::Study::Result> results = results_of(random_trials(study, static_cast<int>(state.range(1))));
    const auto start = Clock::now();
    study.tell(results);
    state.counters["tell_s"] = seconds_since(start);
    (void)study.ask();
    state.counters["ask_s"] = seconds_since(start);
    // The figure: telling, and what the next ask does before it looks for a proposal.
    state.SetIterationTime(state.counters["tell_s"] + study.model().fit_seconds);
    state.counters["observations"] = static_cast<double>(study.model().observations);
    state.counters["peak_bytes"] = peak_memory();
  }
  state.counters["dgemm"] = dgemm_rate();
}

/// One ask while many trials are pending.
void ask_pending(benchmark::State& state) {
  auto study = warpbo::Study::create("bench", box(10), gp_options(1));
  study.tell(results_of(random_trials(study, 200)));
  (void)random_trials(study, static_cast<int>(state.range(0)));
  for (auto _ : state) {
    const auto start = Clock::now();
    (void)study.ask();
    state.SetIterationTime(seconds_since(start));
  }
  state.counters["peak_bytes"] = peak_memory();
  state.counters["dgemm"] = dgemm_rate();
}

}  // namespace

int main(int argc, char** argv) {
  // `fleet_cold_auto`: with the default strategy a third of the studies have a trust region's turn and a third that of main
  // effects.
  const auto cold = [](const char* name, bool together, warpbo::SamplerKind kind) {
    benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { many_from_cold(state, together, kind); })
        ->Args({1000, 64})
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kSecond);
  };
  cold("fleet_cold", true, warpbo::SamplerKind::gp);
  cold("one_by_one_cold", false, warpbo::SamplerKind::gp);
  cold("fleet_cold_auto", true, warpbo::SamplerKind::automatic);
  benchmark::RegisterBenchmark("ask_pending", ask_pending)
      ->Arg(10000)
      ->UseManualTime()
      ->Iterations(3)
      ->Unit(benchmark::kSecond);
  benchmark::RegisterBenchmark("tell_many", tell_many)
      ->Args({4000, 1000})
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kSecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
