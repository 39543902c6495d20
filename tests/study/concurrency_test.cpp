/// Several threads and several processes on one study.
#include "study/fakes.hpp"

#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <set>
#include <thread>

namespace warpbo::testing {
namespace {

std::string point_of(const Trial& trial) {
  std::string out;
  for (const auto& [name, value] : trial.parameters) out += name + "=" + to_string(value) + ";";
  return out;
}

/// 4 x 50 = 200 points.
Space finite_plane() {
  Space space;
  space.integer("i", 1, 50);
  space.categorical("c", {"a", "b", "c", "d"});
  return space;
}

void expect_dense_and_distinct(const std::vector<Trial>& trials, std::size_t count) {
  ASSERT_EQ(trials.size(), count);
  std::set<std::string> points;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    EXPECT_EQ(trials[i].number, static_cast<std::int64_t>(i));
    points.insert(point_of(trials[i]));
  }
  EXPECT_EQ(points.size(), count);
}

class StudyThreads : public ::testing::TestWithParam<bool> {};

TEST_P(StudyThreads, FourThreadsShareAStudy) {
  const TemporaryDirectory directory;
  Study study =
      Study::create("s", finite_plane(), options_with(SamplerKind::random, 3), GetParam() ? directory.store() : "memory:");
  std::atomic<int> told = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        for (const Trial& trial : study.ask(2)) {
          if (trial.number % 10 == 0) {
            study.fail(trial, "every tenth");
          } else {
            study.tell(trial, trial.get<double>("i"));
          }
          ++told;
        }
        (void)study.try_best();
        (void)study.count(TrialState::complete);
        (void)study.model();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told, 200);
  expect_dense_and_distinct(study.history(), 200);
  EXPECT_TRUE(study.pending().empty());
  EXPECT_EQ(study.count(TrialState::failed), 20);
  error_text(ErrorCode::exhausted, [&] { (void)study.ask(); });
}

INSTANTIATE_TEST_SUITE_P(Stores, StudyThreads, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "sqlite" : "memory"; });

TEST(StudyThreading, TellNeverWaitsForAModel) {
  std::mutex mutex;
  std::condition_variable changed;
  bool inside = false;
  bool go_on = false;
  int call = 0;
  Study study = new_study(finite_space(), options_with([&](const SuggestRequest&) {
                            const int mine = call++;
                            if (mine == 1) {
                              std::unique_lock lock(mutex);
                              inside = true;
                              changed.notify_all();
                              changed.wait(lock, [&] { return go_on; });
                            }
                            SuggestResult result;
                            result.suggestions.push_back({{{"i", std::int64_t{1 + mine}}, {"c", std::string("a")}}, "slow"});
                            return result;
                          }));
  const Trial first = study.ask();
  std::thread asking([&] { EXPECT_EQ(study.ask().number, 2); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside; });
  }
  study.tell(first, 1.0);  // would hang here if it waited
  EXPECT_EQ(study.best().number, 0);
  EXPECT_EQ(study.enqueue({{"i", std::int64_t{4}}}), 1);
  {
    const std::lock_guard lock(mutex);
    go_on = true;
  }
  changed.notify_all();
  asking.join();
}

TEST(StudyThreading, TwoObjectsOfOneStudySeeOneAnother) {
  const TemporaryDirectory directory;
  const StudyOptions options = options_with(SamplerKind::sobol, 5);
  Study one = Study::create("s", finite_space(), options, directory.store());
  Study two = Study::open("s", options, directory.store());
  for (int i = 0; i < 3; ++i) {
    const Trial a = one.ask();
    const Trial b = two.ask();
    EXPECT_NE(point_of(a), point_of(b));
    EXPECT_EQ(two.trial(a.number).parameters, a.parameters);
    two.tell(a, 1.0);
    one.tell(b, 2.0);
  }
  expect_dense_and_distinct(one.history(), 6);
}

TEST(StudyThreading, AProposalThatAnotherProcessMadeMeanwhileIsMoved) {
  const std::shared_ptr<Storage> store = open_storage("memory:");
  Study other = Study::create("s", mixed_space(), options_with(SamplerKind::sobol), store);
  const Parameters same{{"x", 0.5}, {"k", std::int64_t{3}}, {"c", std::string("b")}};
  std::vector<std::uint64_t> draws;
  Study study = Study::open(
      "s", options_with([&](const SuggestRequest& request) {
        draws.push_back(request.draw);
        SuggestResult result;
        if (draws.size() == 1) {
          (void)other.enqueue(same);  // the other process is faster
          result.suggestions.push_back({same, "mine"});
        } else {
          result.suggestions.push_back({{{"x", 0.75}, {"k", std::int64_t{3}}, {"c", std::string("b")}}, "mine again"});
        }
        return result;
      }),
      store);
  const Trial trial = study.ask();
  EXPECT_EQ(draws, (std::vector<std::uint64_t>{0, 1}));
  EXPECT_EQ(trial.number, 1);
  EXPECT_EQ(trial.get<double>("x"), 0.75);
  EXPECT_EQ(trial.attributes.at("warpbo:origin"), "\"mine again\"");
  const Trial stored = other.trial(1);
  EXPECT_EQ(stored.parameters, trial.parameters);
  EXPECT_EQ(stored.attributes.at("warpbo:origin"), "\"mine again\"");
}

TEST(StudyProcesses, ThreeProcessesShareAStudy) {
  const TemporaryDirectory directory;
  const std::string url = directory.store();
  constexpr int kProcesses = 3;
  constexpr int kTrials = 30;
  Space space;
  space.real("x", 0.0, 1.0);
  space.real("y", 0.0, 1.0);
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int status = 1;
      try {
        // The same seed everywhere: only the numbers of the trials keep the processes apart.
        Study study = Study::open_or_create("s", space, options_with(SamplerKind::sobol, 7), url);
        for (int i = 0; i < kTrials; ++i) {
          const Trial trial = study.ask();
          study.tell(trial, trial.get<double>("x"));
        }
        status = 0;
      } catch (const std::exception& error) {
        std::fprintf(stderr, "child %d: %s\n", p, error.what());
      }
      std::fflush(nullptr);
      ::_exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  Study study = Study::open("s", options_with(SamplerKind::sobol), url);
  const std::vector<Trial> trials = study.history();
  expect_dense_and_distinct(trials, kProcesses * kTrials);
  for (const Trial& trial : trials) {
    EXPECT_EQ(trial.state, TrialState::complete);
    EXPECT_EQ(trial.value, trial.get<double>("x"));
  }
}

}  // namespace
}  // namespace warpbo::testing
