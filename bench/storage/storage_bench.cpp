// The store's figures: trials asked and told durably per second, and the time to read a study.
#include <warpbo/storage.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace warpbo;

constexpr int kParameters = 10;

Space ten_parameters() {
  Space space;
  for (int i = 0; i < kParameters; ++i) space.real("x" + std::to_string(i), 0, 1);
  return space;
}

std::vector<NewTrial> batch_of(std::int64_t count) {
  std::vector<NewTrial> batch(static_cast<std::size_t>(count));
  for (NewTrial& trial : batch) {
    for (int i = 0; i < kParameters; ++i) trial.parameters.set("x" + std::to_string(i), 0.1 * i);
    trial.attributes = {{"warpbo:origin", "\"gp/logei\""}};
  }
  return batch;
}

/// A store in a temporary directory that vanishes with it.
class TemporaryStore {
 public:
  TemporaryStore() {
    std::string pattern = (std::filesystem::temp_directory_path() / "warpbo-bench-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    storage = open_storage("sqlite:" + directory_ + "/store.db");
    study = storage->create_study("bench", Direction::minimize, {}).id;
  }
  ~TemporaryStore() {
    storage.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  TemporaryStore(const TemporaryStore&) = delete;
  TemporaryStore& operator=(const TemporaryStore&) = delete;

  std::shared_ptr<Storage> storage;
  std::int64_t study = 0;

 private:
  std::string directory_;
};

/// One transaction creates the batch, one finishes it; both are durable when they return.
void ask_and_tell(benchmark::State& state) {
  TemporaryStore store;
  const Space space = ten_parameters();
  const std::vector<NewTrial> batch = batch_of(state.range(0));
  for (auto _ : state) {
    std::vector<Storage::Finish> finishes;
    for (const Trial& trial : store.storage->create_trials(store.study, space, batch))
      finishes.push_back({trial.id, TrialState::complete, 0.5, {}, {}});
    store.storage->finish_trials(finishes);
  }
  state.counters["trials/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)), benchmark::Counter::kIsRate);
}
BENCHMARK(ask_and_tell)->Arg(1)->Arg(64)->UseRealTime();

void read_study(benchmark::State& state) {
  TemporaryStore store;
  const Space space = ten_parameters();
  store.storage->create_trials(store.study, space, batch_of(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(store.storage->read_trials(store.study, space, 0, {}));
  state.counters["trials/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)), benchmark::Counter::kIsRate);
}
BENCHMARK(read_study)->Arg(1000)->Arg(10000)->UseRealTime()->Unit(benchmark::kMillisecond);

/// What a reader pays to learn that nothing has changed.
void version(benchmark::State& state) {
  TemporaryStore store;
  for (auto _ : state) benchmark::DoNotOptimize(store.storage->version());
}
BENCHMARK(version);

}  // namespace
