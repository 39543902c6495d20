// C1: a process that is killed anywhere loses nothing that it had acknowledged, and leaves nothing half done.
#include "storage/support.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <map>
#include <random>
#include <thread>

namespace warpbo {
namespace {

using namespace storage_test;

constexpr int kParameters = 10;

Space wide_space() {
  Space space;
  for (int i = 0; i < kParameters; ++i) space.real("x" + std::to_string(i), 0, 1);
  return space;
}

/// What the child says through the pipe after a call has returned. Small enough to be written whole or not at all.
struct Acknowledgement {
  enum class Kind : std::int32_t { created, finished } kind;
  std::int32_t attribute_size;
  std::int64_t trial_id;
  std::int64_t number;
  double value;
};

/// Creates and finishes trials until it is killed. Every value is a function of the trial's id, so that a reader can check it.
[[noreturn]] void write_until_killed(const std::string& path, int channel, unsigned seed) {
  std::mt19937 random(seed);
  const Space space = wide_space();
  const auto storage = open_storage(path);
  const auto found = storage->find_study("s");
  const std::int64_t study = found ? found->id : storage->create_study("s", Direction::minimize, {}).id;
  const auto say = [&](const Acknowledgement& fact) {
    if (write(channel, &fact, sizeof fact) != sizeof fact) _exit(1);
  };
  for (;;) {
    // One trial in fifty carries up to 2 MB; most carry up to 2 KB.
    const std::size_t size = random() % 50 == 0 ? random() % 2'000'000 : random() % 2'000;
    std::vector<NewTrial> fresh(1 + random() % 3);
    for (NewTrial& trial : fresh) {
      for (int i = 0; i < kParameters; ++i)
        trial.parameters.set("x" + std::to_string(i), static_cast<double>(random()) * 0x1p-32);
      trial.attributes = {{"payload", "\"" + std::string(size, 'p') + "\""}, {"size", std::to_string(size)}};
    }
    const auto made = storage->create_trials(study, space, fresh);
    for (const Trial& trial : made)
      say({Acknowledgement::Kind::created, static_cast<std::int32_t>(size), trial.id, trial.number, 0});
    std::vector<Storage::Finish> finishes;
    for (const Trial& trial : made) finishes.push_back(completed(trial.id, std::sqrt(static_cast<double>(trial.id))));
    storage->finish_trials(finishes);
    for (const Storage::Finish& finish : finishes) say({Acknowledgement::Kind::finished, 0, finish.trial_id, 0, *finish.value});
  }
}

class Witness {
 public:
  void hear(const Acknowledgement& fact) {
    (fact.kind == Acknowledgement::Kind::created ? created_ : finished_)[fact.trial_id] = fact;
  }

  /// Acknowledged is a subset of stored; numbers are dense; nothing is half there.
  void check(const std::vector<Trial>& trials) const {
    std::map<std::int64_t, const Trial*> by_id;
    for (std::size_t i = 0; i < trials.size(); ++i) {
      const Trial& trial = trials[i];
      by_id[trial.id] = &trial;
      ASSERT_EQ(trial.number, static_cast<std::int64_t>(i)) << "numbers are not dense";
      ASSERT_EQ(trial.parameters.size(), static_cast<std::size_t>(kParameters)) << "half a trial";
      ASSERT_EQ(trial.attributes.at("payload").size(), static_cast<std::size_t>(std::stoll(trial.attributes.at("size"))) + 2)
          << "half an attribute";
      ASSERT_EQ(trial.state == TrialState::complete, trial.value.has_value());
      if (trial.value) {
        ASSERT_EQ(*trial.value, std::sqrt(static_cast<double>(trial.id)));
      }
    }
    for (const auto& [id, fact] : created_) {
      ASSERT_TRUE(by_id.contains(id)) << "an acknowledged trial is lost";
      ASSERT_EQ(by_id[id]->number, fact.number);
      ASSERT_EQ(by_id[id]->attributes.at("size"), std::to_string(fact.attribute_size));
    }
    for (const auto& [id, fact] : finished_) ASSERT_EQ(by_id[id]->value, fact.value) << "an acknowledged result is lost";
  }

  [[nodiscard]] std::size_t facts() const { return created_.size() + finished_.size(); }
  void forget() {
    created_.clear();
    finished_.clear();
  }

 private:
  std::map<std::int64_t, Acknowledgement> created_;
  std::map<std::int64_t, Acknowledgement> finished_;
};

/// One child's life: started, killed a moment after it has acknowledged `wanted` facts, and all that it said heard. With none
/// wanted it may still be opening or creating the store.
void run_and_kill(const std::string& path, unsigned seed, int wanted, std::chrono::microseconds delay, Witness& witness) {
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(channel[0]);
    try {
      write_until_killed(path, channel[1], seed);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
    }
    _exit(1);
  }
  close(channel[1]);
  Acknowledgement fact;
  for (int i = 0; i < wanted && read(channel[0], &fact, sizeof fact) == sizeof fact; ++i) witness.hear(fact);
  std::this_thread::sleep_for(delay);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
  while (read(channel[0], &fact, sizeof fact) == sizeof fact) witness.hear(fact);
  close(channel[0]);
}

void kill_cycles(int cycles) {
  // Mostly in memory, since a kill does not test the syncs that take the time: what was written survives the process in any
  // case.
  const TemporaryDirectory on_disk;
  const TemporaryDirectory in_memory(true);
  std::mt19937 random(20261123);
  Witness witness;
  std::size_t facts = 0;
  std::uintmax_t largest = 0;
  std::string path;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    // A new file now and then: creation is killed too, and the files stay small.
    if (cycle % 25 == 0) {
      if (!path.empty()) {
        ASSERT_EQ(sql(path, "PRAGMA integrity_check"), "ok");
        for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path + suffix);
      }
      path = (cycle % 100 == 0 ? on_disk : in_memory) / ("store" + std::to_string(cycle) + ".db");
      facts += witness.facts();
      witness.forget();
    }
    const int wanted = static_cast<int>(random() % 6);
    const auto delay = std::chrono::microseconds(wanted == 0 ? random() % 8000 : random() % 800);
    run_and_kill(path, static_cast<unsigned>(random()), wanted, delay, witness);
    if (cycle % 3 == 1) continue;             // the next child recovers, and may be killed while it does
    const auto storage = open_storage(path);  // no hand work needed
    const auto study = storage->find_study("s");
    if (!study) {
      ASSERT_EQ(witness.facts(), 0U);
      continue;
    }
    witness.check(read_all(*storage, study->id, wide_space()));
    if (::testing::Test::HasFatalFailure()) return;
    if (cycle % 5 == 0) {
      ASSERT_EQ(sql(path, "PRAGMA integrity_check"), "ok");
    }
    largest = std::max(largest, fs::file_size(path));
  }
  facts += witness.facts();
  std::printf("%d kills, %zu acknowledgements checked, largest file %ju bytes\n", cycles, facts, largest);
  EXPECT_GT(facts, static_cast<std::size_t>(cycles)) << "the children were killed before they did anything";
  EXPECT_GT(largest, 1'000'000U) << "no large record was written";
}

// Starting a process costs several times as much under a sanitizer, which is there to look at memory and not at kills.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kCycles = 250;
#else
constexpr int kCycles = 1000;
#endif

TEST(StorageCrash, C1_KillMinus9ThousandCyclesLosesNothing) { kill_cycles(kCycles); }
TEST(StorageCrash, C1_SlowKillMinus9TwentyThousandCyclesLosesNothing) { kill_cycles(20000); }

}  // namespace
}  // namespace warpbo
