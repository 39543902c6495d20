/// A store that fails at any one of its calls, once or for a while: the error reaches the caller, nothing acknowledged is lost,
/// and the next call works.
#include "study/fakes.hpp"

#include <functional>
#include <map>
#include <set>

namespace warpbo::testing {
namespace {

const StudyOptions kSobol = options_with(SamplerKind::sobol);

struct World {
  std::shared_ptr<FailingStorage> store = std::make_shared<FailingStorage>(open_storage("memory:"));
  Study study = Study::create("s", mixed_space(), kSobol, store);
};

/// Runs `action` once for every call k that it makes to the store, with that call failing; then `check` on the same world.
void sweep(const std::function<void(World&)>& prepare, const std::function<void(World&)>& action,
           const std::function<void(World&, bool failed)>& check) {
  for (const bool sticky : {false, true}) {
    for (int k = 0;; ++k) {
      ASSERT_LT(k, 200) << "the action never got through";
      SCOPED_TRACE("call " + std::to_string(k) + (sticky ? ", sticky" : ""));
      World world;
      prepare(world);
      world.store->sticky = sticky;
      world.store->fail_in = k;
      bool failed = false;
      try {
        action(world);
      } catch (const Error& error) {
        failed = true;
        EXPECT_EQ(error.code(), ErrorCode::resource_exhausted) << error.what();
      }
      const bool reached = world.store->fail_in <= 0 && (sticky || world.store->fail_in < 0);
      world.store->sticky = false;
      world.store->fail_in = -1;
      check(world, failed);
      if (!reached) {
        EXPECT_FALSE(failed);
        break;
      }
    }
  }
}

void expect_sound(Study& study) {
  const std::vector<Trial> trials = study.history();
  for (std::size_t i = 0; i < trials.size(); ++i) EXPECT_EQ(trials[i].number, static_cast<std::int64_t>(i));
}

TEST(StudyFailingStore, C3_AskFailsWholeAndWorksAgain) {
  sweep([](World&) {}, [](World& world) { (void)world.study.ask(3); },
        [](World& world, bool failed) {
          const auto before = world.study.count();
          EXPECT_TRUE(before == 3 || (failed && before == 0)) << before;
          EXPECT_EQ(world.study.ask(2).size(), 2U);
          EXPECT_EQ(world.study.count(), before + 2);
          expect_sound(world.study);
        });
}

TEST(StudyFailingStore, C3_TellIsDurableOrReported) {
  sweep([](World& world) { (void)world.study.ask(2); },
        [](World& world) {
          world.study.tell({{0, 1.0}, {1, 2.0}});
        },
        [](World& world, bool failed) {
          if (!failed) {
            EXPECT_EQ(world.study.count(TrialState::complete), 2);
          }
          world.study.tell({{0, 1.0}, {1, 2.0}});  // telling again is always safe
          EXPECT_EQ(world.study.count(TrialState::complete), 2);
          EXPECT_EQ(world.study.best().number, 0);
        });
}

TEST(StudyFailingStore, C3_EnqueuedTrialsAreNeverLost) {
  const auto prepare = [](World& world) {
    (void)world.study.enqueue({{"x", 0.25}, {"k", std::int64_t{4}}, {"c", std::string("b")}});
    (void)world.study.enqueue({{"c", std::string("a")}});
  };
  AskOptions options;
  options.count = 3;
  options.attributes["note"] = "1";
  sweep(
      prepare, [&](World& world) { (void)world.study.ask(options); },
      [&](World& world, bool failed) {
        if (!failed) {
          EXPECT_EQ(world.study.count(TrialState::running), 3);
          return;
        }
        // What the failed call had claimed is handed out by the next.
        std::set<std::int64_t> numbers;
        for (const Trial& trial : world.study.ask(options)) {
          numbers.insert(trial.number);
          EXPECT_FALSE(world.study.space().check(trial.parameters));
        }
        EXPECT_TRUE(numbers.contains(0));
        EXPECT_TRUE(numbers.contains(1));
        EXPECT_EQ(world.study.count(TrialState::waiting), 0);
        expect_sound(world.study);
      });
}

TEST(StudyFailingStore, C3_EveryOtherCallPassesTheErrorOn) {
  const Parameters point{{"x", 0.25}, {"k", std::int64_t{4}}, {"c", std::string("b")}};
  const std::map<std::string, std::function<void(World&)>> actions{
      {"fail", [](World& world) { world.study.fail(0, "x"); }},
      {"enqueue", [&](World& world) { (void)world.study.enqueue(point); }},
      {"add", [&](World& world) { (void)world.study.add(point, 1.0); }},
      {"requeue", [](World& world) { (void)world.study.requeue(0); }},
      {"attribute", [](World& world) { world.study.set_attribute(0, "a", "1"); }},
      {"best", [](World& world) { (void)world.study.best(); }},
      {"history", [](World& world) { (void)world.study.history(); }},
      {"open", [](World& world) { (void)Study::open("s", kSobol, world.store); }},
      {"continue", [](World& world) { (void)Study::open_or_create("s", mixed_space(), kSobol, world.store); }},
      {"create", [](World& world) { (void)Study::create("t", mixed_space(), kSobol, world.store); }},
  };
  for (const auto& [name, action] : actions) {
    SCOPED_TRACE(name);
    sweep([](World& world) { world.study.tell(world.study.ask(2)[1], 1.0); }, action,
          [](World& world, bool) {
            EXPECT_EQ(world.study.best().number, 1);
            (void)world.study.ask();
            expect_sound(world.study);
          });
  }
}

}  // namespace
}  // namespace warpbo::testing
