// C9: many processes on one store, some of them killed.
#include "storage/support.hpp"

#include <poll.h>

#include <chrono>
#include <csignal>
#include <random>
#include <set>
#include <thread>

namespace warpbo {
namespace {

using namespace storage_test;

struct Claim {
  std::int64_t trial_id;
};

/// One worker: claims a queued trial or creates one, then finishes it; says which it claimed, and a 0 for every round.
void work(const std::string& path, std::int64_t study, int rounds, int channel) {
  const auto storage = open_storage(path);
  for (int round = 0; round < rounds; ++round) {
    std::vector<Trial> mine = storage->claim_waiting(study, 1);
    for (const Trial& trial : mine) {
      const Claim claim{trial.id};
      if (write(channel, &claim, sizeof claim) != sizeof claim) _exit(1);
    }
    if (mine.empty() || round % 2 == 0) {
      for (Trial& trial : storage->create_trials(study, one_real(), std::vector{running(0.5)}))
        mine.push_back(std::move(trial));
    }
    std::vector<Storage::Finish> finishes;
    for (const Trial& trial : mine) finishes.push_back(completed(trial.id, static_cast<double>(trial.id)));
    storage->finish_trials(finishes);
    const Claim done{0};
    if (write(channel, &done, sizeof done) != sizeof done) _exit(1);
  }
}

struct Outcome {
  std::multiset<std::int64_t> claimed;
  int rounds = 0;
  int kills = 0;
  int failures = 0;
};

/// Runs `workers` processes until each place has done its rounds; kills one at random now and then, and starts another in its
/// place.
Outcome compete(const std::string& path, std::int64_t study, int workers, int rounds, bool kill_some) {
  Outcome outcome;
  std::mt19937 random(7);
  int channel[2];
  EXPECT_EQ(pipe(channel), 0);
  std::vector<pid_t> running(static_cast<std::size_t>(workers), 0);
  const auto start = [&] {
    const pid_t child = fork();
    if (child != 0) return child;
    close(channel[0]);
    try {
      work(path, study, rounds, channel[1]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "worker: %s\n", error.what());
      _exit(2);
    }
    _exit(0);
  };
  for (pid_t& worker : running) worker = start();
  // Reading what the workers say keeps them from blocking on a full pipe.
  const auto drain = [&](int wait_ms) {
    pollfd ready{channel[0], POLLIN, 0};
    while (poll(&ready, 1, wait_ms) > 0 && (ready.revents & POLLIN) != 0) {
      Claim claim{};
      if (read(channel[0], &claim, sizeof claim) != sizeof claim) return;
      claim.trial_id == 0 ? static_cast<void>(++outcome.rounds) : static_cast<void>(outcome.claimed.insert(claim.trial_id));
      wait_ms = 0;
    }
  };
  for (int left = workers; left > 0;) {
    drain(10);
    if (kill_some && outcome.kills < 40) {
      const pid_t victim = running[random() % running.size()];
      if (victim != 0) kill(victim, SIGKILL);
    }
    for (pid_t& worker : running) {
      int status = 0;
      if (worker == 0 || waitpid(worker, &status, WNOHANG) != worker) continue;
      if (WIFSIGNALED(status)) {
        ++outcome.kills;
        worker = start();
        continue;
      }
      if (WEXITSTATUS(status) != 0) ++outcome.failures;
      worker = 0;
      --left;
    }
  }
  drain(0);
  close(channel[0]);
  close(channel[1]);
  return outcome;
}

void expect_consistent(const std::string& path, std::int64_t study, const Outcome& outcome, int queued) {
  EXPECT_EQ(outcome.failures, 0) << "no process sees an error such as a locked database";
  const std::set<std::int64_t> distinct(outcome.claimed.begin(), outcome.claimed.end());
  EXPECT_EQ(distinct.size(), outcome.claimed.size()) << "a queued trial was claimed twice";
  const auto storage = open_storage(path);
  const auto trials = read_all(*storage, study, one_real());
  int waiting_left = 0;
  int unfinished = 0;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    ASSERT_EQ(trials[i].number, static_cast<std::int64_t>(i)) << "numbers are not dense";
    waiting_left += trials[i].state == TrialState::waiting ? 1 : 0;
    unfinished += trials[i].state == TrialState::running ? 1 : 0;
    if (trials[i].value) {
      EXPECT_EQ(*trials[i].value, static_cast<double>(trials[i].id));
    }
  }
  EXPECT_EQ(waiting_left, 0);
  EXPECT_LE(unfinished, 2 * outcome.kills) << "only what a killed worker held is left over";
  EXPECT_GE(static_cast<int>(outcome.claimed.size()), queued - outcome.kills);
  EXPECT_EQ(sql(path, "PRAGMA integrity_check"), "ok");
}

std::int64_t prepare(const std::string& path, int queued) {
  const auto storage = open_storage(path);
  const std::int64_t study = storage->create_study("s", Direction::minimize, {}).id;
  storage->create_trials(study, one_real(), std::vector<NewTrial>(static_cast<std::size_t>(queued), waiting(0.25)));
  return study;
}

TEST(StorageContention, C9_EightProcessesWithRandomKills) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.db";
  const std::int64_t study = prepare(path, 300);
  const Outcome outcome = compete(path, study, 8, 100, true);
  EXPECT_GT(outcome.kills, 5);
  expect_consistent(path, study, outcome, 300);
  std::printf("%d rounds, %zu claims, %d kills\n", outcome.rounds, outcome.claimed.size(), outcome.kills);
}

TEST(StorageContention, C9_SlowManyProcessesAreServedFairly) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.db";
  const std::int64_t study = prepare(path, 500);
  const Outcome outcome = compete(path, study, 256, 10, false);
  EXPECT_EQ(outcome.rounds, 2560);
  expect_consistent(path, study, outcome, 500);
}

TEST(StorageContention, C9_ProcessesThatCreateTheStoreTogetherAgree) {
  const TemporaryDirectory directory;
  for (int round = 0; round < 10; ++round) {
    const std::string path = directory / ("new" + std::to_string(round) + ".db");
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        try {
          const auto storage = open_storage(path);
          const auto code = error_of([&] { storage->create_study("s", Direction::minimize, {}); });
          _exit(!code ? 10 : *code == ErrorCode::conflict ? 11 : 1);
        } catch (const std::exception& error) {
          std::fprintf(stderr, "creator: %s\n", error.what());
          _exit(2);
        }
      }
      children.push_back(child);
    }
    int created = 0;
    for (const pid_t child : children) {
      int status = 0;
      waitpid(child, &status, 0);
      ASSERT_TRUE(WIFEXITED(status));
      ASSERT_GE(WEXITSTATUS(status), 10);
      created += WEXITSTATUS(status) == 10 ? 1 : 0;
    }
    EXPECT_EQ(created, 1);
  }
}

}  // namespace
}  // namespace warpbo
