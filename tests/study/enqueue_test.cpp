#include "study/fakes.hpp"

#include <set>

namespace warpbo::testing {
namespace {

const Parameters kWhole{{"x", 0.25}, {"k", std::int64_t{4}}, {"c", std::string("b")}};

TEST(StudyEnqueue, WaitingTrialsComeFirstInOrder) {
  Study study = new_study(mixed_space());
  EXPECT_EQ(study.enqueue(kWhole), 0);
  EXPECT_EQ(study.enqueue({{"x", 0.75}, {"k", std::int64_t{1}}, {"c", std::string("a")}, {"m", 0.0}}), 1);
  EXPECT_EQ(study.count(TrialState::waiting), 2);
  EXPECT_EQ(study.pending().size(), 2U);
  const Trial first = study.ask();
  EXPECT_EQ(first.number, 0);
  EXPECT_EQ(first.parameters, kWhole);
  EXPECT_EQ(first.state, TrialState::running);
  EXPECT_EQ(first.attributes.at("warpbo:origin"), "\"enqueued\"");
  const std::vector<Trial> rest = study.ask(3);
  ASSERT_EQ(rest.size(), 3U);
  EXPECT_EQ(rest[0].number, 1);
  EXPECT_EQ(rest[0].get<double>("m"), 0.0);
  EXPECT_EQ(rest[1].number, 2);
  EXPECT_EQ(study.count(TrialState::waiting), 0);
}

TEST(StudyEnqueue, IncompletePointsAreCompleted) {
  const TemporaryDirectory directory;
  for (const std::string& url : {std::string("memory:"), directory.store()}) {
    Study study = Study::create("s", mixed_space(), options_with(SamplerKind::sobol), url);
    (void)study.enqueue({{"c", std::string("a")}});
    (void)study.enqueue({{"c", std::string("a")}, {"m", 0.125}});
    (void)study.enqueue({});
    std::set<double> xs;
    for (int i = 0; i < 3; ++i) {
      const Trial trial = study.ask();
      EXPECT_EQ(trial.number, i);
      EXPECT_FALSE(study.space().check(trial.parameters)) << *study.space().check(trial.parameters);
      if (i < 2) {
        EXPECT_EQ(trial.get<std::string>("c"), "a");
      }
      if (i == 1) {
        EXPECT_EQ(trial.get<double>("m"), 0.125);
      }
      xs.insert(trial.get<double>("x"));
      EXPECT_EQ(study.trial(i).parameters, trial.parameters);
      study.tell(trial, 1.0);
      // What was completed is what the store holds, for every reader.
      Study reader =
          Study::open("s", options_with(SamplerKind::sobol), std::shared_ptr<Storage>(&study.storage(), [](Storage*) {}));
      EXPECT_EQ(reader.trial(i).parameters, trial.parameters);
    }
    EXPECT_EQ(xs.size(), 3U);
  }
}

TEST(StudyEnqueue, TheRestIsProposedWithTheGivenValuesFixed) {
  Parameters fixed;
  std::uint64_t draw = 99;
  std::size_t pending = 99;
  Study study =
      new_study(mixed_space(), options_with([&](const SuggestRequest& request) {
                  fixed = request.fixed;
                  draw = request.draw;
                  pending = request.pending.size();
                  SuggestResult result;
                  result.suggestions.push_back({{{"x", 0.5}, {"k", std::int64_t{3}}, {"c", std::string("b")}}, "mine"});
                  return result;
                }));
  (void)study.enqueue(kWhole);
  (void)study.enqueue({{"k", 3.0}});
  const std::vector<Trial> trials = study.ask(2);
  EXPECT_EQ(fixed, (Parameters{{"k", std::int64_t{3}}}));
  EXPECT_EQ(draw, 1U) << "the number of the trial is its place in the random stream";
  EXPECT_EQ(pending, 1U) << "the first one; the incomplete one lies nowhere yet";
  EXPECT_EQ(trials[1].get<int>("k"), 3);
}

TEST(StudyEnqueue, WhatDoesNotFitIsRefused) {
  Space space = mixed_space();
  space.constrain("x + k <= 8");
  Study study = new_study(space);
  const auto text = [&](const Parameters& point) {
    return error_text(ErrorCode::invalid_argument, [&] { (void)study.enqueue(point); });
  };
  EXPECT_TRUE(mentions(text({{"y", 0.5}}), "\"y\""));
  EXPECT_TRUE(mentions(text({{"x", -0.5}}), "x"));
  EXPECT_TRUE(mentions(text({{"x", std::string("0.5")}}), "x"));
  EXPECT_TRUE(mentions(text({{"m", 0.5}}), "c == 'a'"));
  (void)text({{"x", 0.5}, {"k", std::int64_t{8}}, {"c", std::string("b")}});  // breaks the constraint
  EXPECT_EQ(study.count(), 0);
}

TEST(StudyEnqueue, ConstantsNeedNotBeGiven) {
  Space space;
  space.real("x", 0.0, 1.0);
  space.constant("data", "heart");
  space.integer("k", 2, 2);
  Study study = new_study(space);
  (void)study.enqueue({{"x", 0.5}});
  const Trial trial = study.ask();
  EXPECT_EQ(trial.get<std::string>("data"), "heart");
  EXPECT_EQ(trial.get<int>("k"), 2);
  EXPECT_EQ(trial.get<double>("x"), 0.5);
}

TEST(StudyEnqueue, ANoValueTrialCannotBeToldBeforeItIsComplete) {
  Study study = new_study(mixed_space());
  const std::int64_t part = study.enqueue({{"x", 0.5}});
  EXPECT_TRUE(mentions(error_text(ErrorCode::invalid_argument, [&] { study.tell(part, 1.0); }), "ask hands it out"));
  const std::int64_t whole = study.enqueue(kWhole);
  study.tell(whole, 1.0);
  EXPECT_EQ(study.best().number, whole);
  EXPECT_EQ(study.ask().number, part);
}

TEST(StudyEnqueue, WhatAnotherProgramEnqueuedWronglyFailsAndTheNextComes) {
  NoticeLog notices;
  const std::shared_ptr<Storage> store = open_storage("memory:");
  StudyOptions options = options_with(SamplerKind::sobol);
  options.on_notice = notices.receiver();
  Study study = Study::create("s", mixed_space(), options, store);
  Space wide;
  wide.real("x", 0.0, 9.0);
  NewTrial foreign;
  foreign.state = TrialState::waiting;
  foreign.parameters = {{"x", 5.0}};
  (void)store->create_trials(store->find_study("s")->id, wide, {&foreign, 1});
  (void)study.enqueue(kWhole);
  EXPECT_EQ(study.ask().number, 1);
  EXPECT_EQ(study.trial(0).state, TrialState::failed);
  EXPECT_TRUE(mentions(study.trial(0).failure, "x"));
  EXPECT_EQ(notices.count("trial 0"), 1);
}

}  // namespace
}  // namespace warpbo::testing
