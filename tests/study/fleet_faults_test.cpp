/// Slow and broken studies in a fleet: what happens to one is its own affair.
#include "study/crew.hpp"
#include "study/fakes.hpp"

#include <warpbo/fleet.hpp>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <thread>

namespace warpbo::testing {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A door that code waits at until the test opens it.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    --inside_;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= count; });
  }
  /// Opens it at the end of the scope: a fleet waits for whoever stands before it.
  class OpenAtEnd {
   public:
    explicit OpenAtEnd(Gate& gate) : gate_(gate) {}
    OpenAtEnd(const OpenAtEnd&) = delete;
    OpenAtEnd& operator=(const OpenAtEnd&) = delete;
    ~OpenAtEnd() { gate_.open(); }

   private:
    Gate& gate_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool open_ = false;
};

Space line() {
  Space space;
  space.real("x", 0.0, 1.0);
  return space;
}

SuggestResult one_point(const SuggestRequest& request) {
  SuggestResult result;
  for (int i = 0; i < request.count; ++i)
    result.suggestions.push_back({{{"x", std::fmod(0.618 * static_cast<double>(request.draw + 1) + 0.01 * i, 1.0)}}, "mine"});
  return result;
}

Fleet::StudyToOpen waiting_at(Gate& gate) {
  return {"slow", line(), options_with([&gate](const SuggestRequest& request) {
            gate.pass();
            return one_point(request);
          }),
          nullptr};
}

Fleet::StudyToOpen modelled(int i) {
  StudyOptions options = options_with(SamplerKind::gp, static_cast<std::uint64_t>(i));
  options.sampler.device = Device::cpu();
  return {"m" + std::to_string(i), line(), options, nullptr};
}

void fill(Study& study, int count) {
  for (int i = 0; i < count; ++i) {
    const double x = std::fmod(0.754877 * (i + 1), 1.0);
    (void)study.add({{"x", x}}, (x - 0.3) * (x - 0.3));
  }
}

TEST(FleetFaults, SlowStudiesKeepNoCoreFromTheOthers) {
  Gate gate;
  FleetOptions options;
  options.threads = 2;
  Fleet fleet(options);
  const Gate::OpenAtEnd opener(gate);
  std::vector<Fleet::Ask> asks;
  for (int i = 0; i < 5; ++i) asks.push_back({fleet.open(waiting_at(gate)), {}});  // more than there are threads, and first
  for (int i = 0; i < 10; ++i) {
    asks.push_back({fleet.open(modelled(i)), {}});
    fill(*fleet.study(asks.back().study), 10);
  }
  const auto start = Clock::now();
  const std::vector<Fleet::Asked> answers = fleet.ask(asks, 5.0);
  EXPECT_LT(seconds_since(start), 8) << "the limit holds";
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (i < 5) {
      ASSERT_TRUE(answers[i].error) << i;
      EXPECT_EQ(answers[i].error->code(), ErrorCode::unavailable);
      EXPECT_TRUE(answers[i].trials.empty());
    } else {
      ASSERT_FALSE(answers[i].error) << i << ": " << answers[i].error->what();
      EXPECT_EQ(answers[i].trials.size(), 1U);
    }
  }
  // While they are stuck, asking the others works as ever, and telling even the stuck ones does.
  const std::vector<Fleet::Ask> others(asks.begin() + 5, asks.end());
  for (const Fleet::Asked& asked : fleet.ask(others)) EXPECT_FALSE(asked.error);
  gate.open();
  // What they proposed in the end comes first next time, and no trial is lost or handed out twice.
  const std::vector<Fleet::Ask> slow(asks.begin(), asks.begin() + 5);
  for (const Fleet::Ask& ask : slow) {
    const auto until = Clock::now() + std::chrono::seconds(20);
    while (fleet.study(ask.study)->count(TrialState::waiting) == 0 && Clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (const Fleet::Asked& asked : fleet.ask(slow)) {
    ASSERT_FALSE(asked.error) << asked.error->what();
    EXPECT_EQ(asked.trials.front().number, 0);
    EXPECT_EQ(fleet.study(asked.study)->count(), 1);
    EXPECT_EQ(fleet.study(asked.study)->count(TrialState::running), 1);
  }
}

TEST(FleetFaults, WithoutALimitTheOthersAnswerAtOnceAndTheCallWaits) {
  Gate gate;
  Fleet fleet;
  const Gate::OpenAtEnd opener(gate);
  std::vector<Fleet::Ask> asks{{fleet.open(waiting_at(gate)), {}}};
  for (int i = 0; i < 6; ++i) asks.push_back({fleet.open(modelled(i)), {}});
  std::atomic<int> answered = 0;
  Fleet::AskSettings settings;
  settings.on_answer = [&](const Fleet::Asked&) {
    if (++answered == 6) gate.open();  // hangs, and the test fails by its time limit, if the slow one held up another
  };
  for (const Fleet::Asked& asked : fleet.ask(asks, settings)) EXPECT_FALSE(asked.error);
  EXPECT_EQ(answered, 7);
}

/// A store whose reads wait at a gate once it is armed.
class SlowStorage final : public FailingStorage {
 public:
  SlowStorage(std::shared_ptr<Storage> inner, Gate& gate) : FailingStorage(std::move(inner)), gate_(gate) {}
  std::atomic<bool> armed{false};
  std::uint64_t version() override {
    if (armed) gate_.pass();
    return FailingStorage::version();
  }

 private:
  Gate& gate_;
};

TEST(FleetFaults, AStoreThatHangsDelaysItsOwnStudiesOnly) {
  Gate gate;
  FleetOptions options;
  options.threads = 2;
  const auto slow = std::make_shared<SlowStorage>(open_storage("memory:"), gate);
  Fleet fleet(options);
  const Gate::OpenAtEnd opener(gate);
  std::vector<Fleet::Ask> asks;
  for (int i = 0; i < 3; ++i) {
    Fleet::StudyToOpen hanging = modelled(i);
    hanging.store = slow;
    asks.push_back({fleet.open(hanging), {}});
  }
  for (int i = 0; i < 6; ++i) {
    asks.push_back({fleet.open(modelled(10 + i)), {}});
    fill(*fleet.study(asks.back().study), 12);
  }
  slow->armed = true;
  const std::vector<Fleet::Asked> answers = fleet.ask(asks, 5.0);
  std::vector<Fleet::Tell> tells;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].error.has_value(), i < 3) << i;
    tells.push_back({answers[i].study, {{i < 3 ? 0 : answers[i].trials.front().number, 0.5}}});
  }
  const std::vector<Fleet::Told> told = fleet.tell(tells, 2.0);
  for (std::size_t i = 0; i < told.size(); ++i) {
    ASSERT_EQ(told[i].error.has_value(), i < 3) << i;
    if (i < 3) {
      EXPECT_EQ(told[i].error->code(), ErrorCode::unavailable);
    }
  }
  gate.open();
}

TEST(FleetFaults, C3_AFailingStoreIsAnErrorOfItsStudy) {
  const auto failing = std::make_shared<FailingStorage>(open_storage("memory:"));
  Fleet fleet;
  Fleet::StudyToOpen broken = modelled(0);
  broken.store = failing;
  std::vector<Fleet::Ask> asks{{fleet.open(modelled(1)), {}}, {fleet.open(broken), {}}, {fleet.open(modelled(2)), {}}};
  for (const Fleet::Ask& ask : asks) fill(*fleet.study(ask.study), 10);
  failing->sticky = true;
  failing->fail_in = 0;
  std::vector<Fleet::Asked> answers = fleet.ask(asks);
  EXPECT_FALSE(answers[0].error);
  ASSERT_TRUE(answers[1].error);
  EXPECT_EQ(answers[1].error->code(), ErrorCode::resource_exhausted);
  EXPECT_FALSE(answers[2].error);
  failing->sticky = false;
  failing->fail_in = -1;
  for (const Fleet::Asked& asked : fleet.ask(asks)) EXPECT_FALSE(asked.error);
}

TEST(FleetFaults, ThrowingSamplersAndBadDataDegradeAsAlone) {
  Fleet fleet;
  const auto add = [&](const Fleet::StudyToOpen& study) { return fleet.open(study); };
  const Fleet::Id throwing =
      add({"t", line(),
           options_with([](const SuggestRequest&) -> SuggestResult { throw std::runtime_error("matrix 7 is singular"); }),
           nullptr});
  const Fleet::Id odd = add({"o", line(), options_with([](const SuggestRequest&) -> SuggestResult { throw 7; }), nullptr});
  const Fleet::Id constant = add(modelled(1)), huge = add(modelled(2)), failed = add(modelled(3)), close = add(modelled(4)),
                  fine = add(modelled(5));
  for (int i = 0; i < 12; ++i) {
    const double x = std::fmod(0.754877 * (i + 1), 1.0);
    (void)fleet.study(constant)->add({{"x", x}}, 1.0);
    (void)fleet.study(huge)->add({{"x", x}}, i % 2 == 0 ? 1e300 : -1e300);
    (void)fleet.study(failed)->add({{"x", x}}, NAN);
    (void)fleet.study(close)->add({{"x", 0.5 + 1e-13 * i}}, 0.1 * i);
  }
  fill(*fleet.study(fine), 12);
  std::vector<Fleet::Ask> asks;
  for (const Fleet::Id id : {throwing, odd, constant, huge, failed, close, fine}) asks.push_back({id, {}});
  for (int round = 0; round < 2; ++round) {
    const std::vector<Fleet::Asked> answers = fleet.ask(asks);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (asks[i].study == odd) {
        ASSERT_TRUE(answers[i].error);
        EXPECT_EQ(answers[i].error->code(), ErrorCode::internal);
        continue;
      }
      ASSERT_FALSE(answers[i].error) << i << ": " << answers[i].error->what();
      EXPECT_FALSE(line().check(answers[i].trials.front().parameters));
    }
    EXPECT_TRUE(mentions(answers[0].trials.front().attributes.at("warpbo:degraded"), "singular"));
    EXPECT_EQ(answers[6].trials.front().attributes.count("warpbo:degraded"), 0U);
  }
}

TEST(FleetFaults, ALimitThatIsNearlyNothingLosesNoTrial) {
  Fleet fleet;
  std::vector<Fleet::Ask> asks;
  for (int i = 0; i < 8; ++i) {
    asks.push_back({fleet.open(modelled(i)), {}});
    fill(*fleet.study(asks.back().study), 20);
  }
  int answered = 0;
  for (const Fleet::Asked& asked : fleet.ask(asks, 1e-6)) answered += asked.error ? 0 : 1;
  std::size_t handed_out = static_cast<std::size_t>(answered);
  for (const Fleet::Asked& asked : fleet.ask(asks)) {
    ASSERT_FALSE(asked.error);
    handed_out += asked.trials.size();
  }
  for (const Fleet::Ask& ask : asks) {
    const std::shared_ptr<Study> study = fleet.study(ask.study);
    EXPECT_LE(study->count(TrialState::running), 2);
    EXPECT_EQ(study->count(), 20 + study->count(TrialState::running) + study->count(TrialState::waiting));
  }
  EXPECT_GE(handed_out, 8U);
}

TEST(Crew, TasksThatAreStuckMakeRoom) {
  Gate gate;
  std::atomic<int> done = 0;
  study::Crew crew(2);
  const Gate::OpenAtEnd opener(gate);
  for (int i = 0; i < 6; ++i)
    crew.add([&] {
      gate.pass();
      ++done;
    });
  for (int i = 0; i < 50; ++i) crew.add([&] { ++done; });
  const auto start = Clock::now();
  while (done < 50 && seconds_since(start) < 60) {
    crew.relieve();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(done, 50);
  EXPECT_GT(crew.threads(), 2U);
  gate.open();
  while ((done < 56 || crew.threads() > 2) && seconds_since(start) < 60) {
    crew.relieve();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(done, 56);
  EXPECT_EQ(crew.threads(), 2U) << "spare threads leave when there is nothing to do";
}

TEST(Crew, EndsWithTasksLeft) {
  std::atomic<int> done = 0;
  {
    study::Crew crew(1);
    for (int i = 0; i < 1000; ++i)
      crew.add([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ++done;
      });
  }
  EXPECT_LT(done, 1000) << "what has not begun is dropped";
}

}  // namespace
}  // namespace warpbo::testing
