/// What a caller of the whole library waits for: asks of a growing study, and the memory that a large one takes.
///
/// Beside each time stands the counter `dgemm`, the rate of a matrix product (flop/s, one thread) measured right after it: a
/// yardstick for how fast and how busy the machine was.
#include <warpbo/warpbo.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

extern "C" void dgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n, const int* k,
                       const double* alpha, const double* a, const int* lda, const double* b, const int* ldb,
                       const double* beta, double* c, const int* ldc);

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

warpbo::Space box(int dimensions) {
  warpbo::Space space;
  for (int i = 0; i < dimensions; ++i) space.real("x" + std::to_string(i), 0.0, 1.0);
  return space;
}

/// A bowl with ripples, so that the model has something to learn and something to get wrong.
double objective(const warpbo::Trial& trial) {
  double sum = 0;
  int i = 0;
  for (const auto& [name, value] : trial.parameters) {
    const double offset = std::get<double>(value) - 0.2 - 0.6 * std::fmod(0.618 * ++i, 1.0);
    sum += offset * offset + 0.02 * std::sin(25 * offset);
  }
  return sum;
}

/// Rate of one product of two 512 x 512 matrices: the best of five.
double dgemm_rate() {
  constexpr int kSize = 512;
  const std::vector<double> a(kSize * kSize, 1.25), b(kSize * kSize, 0.75);
  std::vector<double> c(kSize * kSize);
  const double one = 1, zero = 0;
  double best = 1e300;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    dgemm_("N", "N", &kSize, &kSize, &kSize, &one, a.data(), &kSize, b.data(), &kSize, &zero, c.data(), &kSize);
    benchmark::DoNotOptimize(c.data());
    best = std::min(best, seconds_since(start));
  }
  return 2.0 * kSize * kSize * kSize / best;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The largest resident size of this process so far, in bytes.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return 1024.0 * std::stod(line.substr(6));
  }
  return 0;
}

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
  // Last, and by itself where the figure counts (--benchmark_filter=memory): the peak is that of the whole process.
  benchmark::RegisterBenchmark("memory", memory)->Arg(2000)->UseManualTime()->Iterations(1)->Unit(benchmark::kSecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
