/// What a caller of the whole library waits for: asks of a growing study, and the memory that a large one takes.
///
/// Beside each time stands the counter `dgemm`, the rate of a matrix product (flop/s, one thread) measured right after it: a
/// yardstick for how fast and how busy the machine was.
#include "study/support.hpp"

#include <set>

namespace {

using namespace bench;

/// The median ask(1) of a study that is told one by one; every iteration is a run of `trials` trials.
void ask_one(benchmark::State& state, const std::string& store, int dimensions) {
  const auto trials = state.range(0);
  for (auto _ : state) {
    warpbo::StudyOptions options;
    options.sampler.seed = 1;
    options.sampler.device = warpbo::Device::cpu();
    auto study = warpbo::Study::create("bench", box(dimensions), options, store);
    std::vector<double> asks;
    double tells = 0;
    for (std::int64_t i = 0; i < trials; ++i) {
      const auto start = Clock::now();
      const warpbo::Trial trial = study.ask();
      asks.push_back(seconds_since(start));
      const double value = objective(trial);
      const auto told = Clock::now();
      study.tell(trial, value);
      tells += seconds_since(told);
    }
    state.SetIterationTime(median(asks));
    state.counters["slowest_ms"] = 1e3 * *std::max_element(asks.begin(), asks.end());
    state.counters["last_ms"] = 1e3 * asks.back();
    state.counters["tell_ms"] = 1e3 * tells / static_cast<double>(trials);
    state.counters["best"] = *study.best().value;
  }
  state.counters["dgemm"] = dgemm_rate();
}

/// One ask(16) of a study that holds n results.
void ask_batch(benchmark::State& state) {
  warpbo::StudyOptions options;
  options.sampler.seed = 1;
  options.sampler.device = warpbo::Device::cpu();
  auto study = warpbo::Study::create("bench", box(10), options);
  for (std::int64_t told = 0; told < state.range(1);) {
    for (const warpbo::Trial& trial : study.ask(static_cast<int>(std::min<std::int64_t>(20, state.range(1) - told)))) {
      study.tell(trial, objective(trial));
      ++told;
    }
  }
  for (auto _ : state) {
    const auto start = Clock::now();
    const auto trials = study.ask(static_cast<int>(state.range(0)));
    state.SetIterationTime(seconds_since(start));
    // Told as failed at once, so that the next iteration sees as many results and nothing pending.
    for (const warpbo::Trial& trial : trials) study.fail(trial, "only a measurement");
  }
  state.counters["dgemm"] = dgemm_rate();
}

/// The most memory that this process took while a study of n trials was read and asked once.
void memory(benchmark::State& state) {
  for (auto _ : state) {
    const auto start = Clock::now();
    warpbo::StudyOptions options;
    options.sampler.seed = 1;
    options.sampler.device = warpbo::Device::cpu();
    auto study = warpbo::Study::create("bench", box(20), options);
    warpbo::StudyOptions quick = options;
    quick.sampler.kind = warpbo::SamplerKind::random;
    auto filler =
        warpbo::Study::open("bench", quick, std::shared_ptr<warpbo::Storage>(&study.storage(), [](warpbo::Storage*) {}));
    const auto trials = filler.ask(static_cast<int>(state.range(0)));
    std::vector<warpbo::Study::Result> results;
    for (const warpbo::Trial& trial : trials) results.push_back({trial.number, objective(trial)});
    filler.tell(results);
    const auto asked = Clock::now();
    benchmark::DoNotOptimize(study.ask());
    state.counters["ask_s"] = seconds_since(asked);
    state.counters["peak_bytes"] = peak_memory();
    state.SetIterationTime(seconds_since(start));
  }
}

/// A study of `told` results at random points, asked for q trials at once; the first ask, so that it fits the model from nothing.
/// Fails unless the trials are distinct and come from the model.
void ask_many(benchmark::State& state) {
  for (auto _ : state) {
    warpbo::StudyOptions options;
    options.sampler.seed = 1;
    options.sampler.device = warpbo::Device::cpu();
    auto study = warpbo::Study::create("bench", box(10), options);
    warpbo::StudyOptions quick = options;
    quick.sampler.kind = warpbo::SamplerKind::random;
    auto filler =
        warpbo::Study::open("bench", quick, std::shared_ptr<warpbo::Storage>(&study.storage(), [](warpbo::Storage*) {}));
    std::vector<warpbo::Study::Result> results;
    for (const warpbo::Trial& trial : filler.ask(static_cast<int>(state.range(1))))
      results.push_back({trial.number, objective(trial)});
    filler.tell(results);
    const auto start = Clock::now();
    const std::vector<warpbo::Trial> trials = study.ask(static_cast<int>(state.range(0)));
    state.SetIterationTime(seconds_since(start));
    std::set<std::vector<double>> distinct;
    for (const warpbo::Trial& trial : trials) {
      std::vector<double> point;
      for (const auto& [name, value] : trial.parameters) point.push_back(std::get<double>(value));
      distinct.insert(std::move(point));
    }
    if (std::ssize(distinct) != state.range(0)) state.SkipWithError("the trials are not distinct");
    const warpbo::ModelSummary model = study.model();
    if (model.observations != state.range(1)) state.SkipWithError("the model does not know all results");
    state.counters["fit_s"] = model.fit_seconds;
    state.counters["suggest_s"] = model.suggest_seconds;
    state.counters["peak_bytes"] = peak_memory();
  }
  state.counters["dgemm"] = dgemm_rate();
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::RegisterBenchmark("ask_1/memory", [](benchmark::State& state) { ask_one(state, "memory:", 10); })
      ->Arg(200)
      ->UseManualTime()
      ->Iterations(1)
      ->Repetitions(3)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("ask_q", ask_batch)
      ->Args({16, 200})
      ->Args({64, 200})
      ->UseManualTime()
      ->Iterations(3)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("ask_many", ask_many)
      ->Args({1000, 1000})
      ->Args({10000, 1000})
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kSecond);
  // Last, and by itself where the figure counts (--benchmark_filter=memory): the peak is that of the whole process.
  benchmark::RegisterBenchmark("memory", memory)->Arg(2000)->UseManualTime()->Iterations(1)->Unit(benchmark::kSecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
