#include "study/fakes.hpp"

#include <cmath>
#include <limits>

namespace warpbo::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

TEST(StudyResults, N1_BestOfAnEmptyStudyNeedsMoreData) {
  Study study = new_study(mixed_space());
  EXPECT_TRUE(mentions(error_text(ErrorCode::need_more_data, [&] { (void)study.best(); }), "no trials"));
  EXPECT_FALSE(study.try_best());
  const Trial trial = study.ask();
  EXPECT_TRUE(mentions(error_text(ErrorCode::need_more_data, [&] { (void)study.best(); }), "none of its 1 trials"));
  study.fail(trial, "exit status 3");
  const std::string text = error_text(ErrorCode::need_more_data, [&] { (void)study.best(); });
  EXPECT_TRUE(mentions(text, "1 failed"));
  EXPECT_TRUE(mentions(text, "exit status 3"));
}

TEST(StudyResults, N10_NanIsAFailureWithAReason) {
  Study study = new_study(mixed_space());
  const Trial trial = study.ask();
  study.tell(trial, kNan);
  const Trial told = study.trial(trial.number);
  EXPECT_EQ(told.state, TrialState::failed);
  EXPECT_FALSE(told.value);
  EXPECT_TRUE(mentions(told.failure, "NaN"));
  study.tell(trial, kNan);  // the same again is harmless
  EXPECT_TRUE(mentions(error_text(ErrorCode::already_finished, [&] { study.tell(trial, 1.0); }), "failed"));
  const std::int64_t added = study.add({{"x", 0.5}, {"k", std::int64_t{1}}, {"c", std::string("b")}}, kNan);
  EXPECT_EQ(study.trial(added).state, TrialState::failed);
}

TEST(StudyResults, N11_InfinityInTheBadDirectionIsKeptAndNeverBest) {
  for (const Direction direction : {Direction::minimize, Direction::maximize}) {
    StudyOptions options = options_with(SamplerKind::sobol);
    options.direction = direction;
    Study study = new_study(mixed_space(), options);
    const double bad = direction == Direction::minimize ? kInfinity : -kInfinity;
    const Trial first = study.ask();
    study.tell(first, bad);
    EXPECT_EQ(study.trial(first.number).state, TrialState::complete);
    EXPECT_EQ(study.trial(first.number).value, bad);
    EXPECT_TRUE(mentions(error_text(ErrorCode::need_more_data, [&] { (void)study.best(); }), "finite"));
    const Trial second = study.ask();
    study.tell(second, 1e300);
    EXPECT_EQ(study.best().number, second.number);
  }
}

TEST(StudyResults, N11_InfinityInTheGoodDirectionIsRefused) {
  for (const Direction direction : {Direction::minimize, Direction::maximize}) {
    StudyOptions options = options_with(SamplerKind::sobol);
    options.direction = direction;
    Study study = new_study(mixed_space(), options);
    const double good = direction == Direction::minimize ? -kInfinity : kInfinity;
    const std::vector<Trial> trials = study.ask(2);
    const std::string text = error_text(ErrorCode::invalid_argument, [&] {
      study.tell({{trials[0].number, 1.0}, {trials[1].number, good}});
    });
    EXPECT_TRUE(mentions(text, "trial 1"));
    EXPECT_TRUE(mentions(text, "inf"));
    EXPECT_EQ(study.count(TrialState::running), 2) << "nothing of a refused call is recorded";
    error_text(ErrorCode::invalid_argument, [&] {
      study.add({{"x", 0.5}, {"k", std::int64_t{1}}, {"c", std::string("b")}}, good);
    });
    EXPECT_EQ(study.count(), 2);
  }
}

TEST(StudyResults, N15_NegativeZeroIsZero) {
  Study study = new_study(mixed_space());
  const Trial trial = study.ask();
  study.tell(trial, -0.0);
  EXPECT_FALSE(std::signbit(*study.trial(trial.number).value));
  study.tell(trial, 0.0);  // the same value
  const std::int64_t number = study.add({{"x", -0.0}, {"k", 3.0}, {"c", std::string("b")}}, 1.0);
  const Trial added = study.trial(number);
  EXPECT_FALSE(std::signbit(added.get<double>("x")));
  EXPECT_EQ(added.get<std::int64_t>("k"), 3) << "an integer given as a float";
  const std::int64_t other = study.add({{"x", std::int64_t{1}}, {"k", std::int64_t{3}}, {"c", std::string("b")}}, 1.0);
  EXPECT_EQ(study.trial(other).parameters.at("x"), Value(1.0)) << "a float given as an integer";
}

TEST(StudyResults, C13_TheSameValueTwiceIsHarmlessAndAnotherIsRefused) {
  Study study = new_study(mixed_space());
  const Trial trial = study.ask();
  study.tell(trial, 2.5);
  study.tell(trial, 2.5);
  const std::string text = error_text(ErrorCode::already_finished, [&] { study.tell(trial, 3.5); });
  EXPECT_TRUE(mentions(text, "2.5"));
  EXPECT_TRUE(mentions(text, "3.5"));
  EXPECT_EQ(study.trial(trial.number).value, 2.5);
  error_text(ErrorCode::already_finished, [&] { study.fail(trial, "late"); });
  EXPECT_EQ(study.trial(trial.number).state, TrialState::complete);
}

TEST(StudyResults, C13_AnotherProcessWasFaster) {
  const std::shared_ptr<Storage> store = open_storage("memory:");
  const StudyOptions options = options_with(SamplerKind::sobol);
  Study one = Study::create("s", mixed_space(), options, store);
  Study two = Study::open("s", options, store);
  const std::vector<Trial> trials = one.ask(2);
  two.tell(trials[0], 1.0);
  two.tell(trials[1], 2.0);
  one.tell(trials[0], 1.0);
  error_text(ErrorCode::already_finished, [&] { one.tell(trials[1], 9.0); });
  EXPECT_EQ(one.best().value, 1.0);
}

TEST(StudyResults, C13_AConflictInABatchDoesNotLoseTheOthers) {
  Study study = new_study(mixed_space());
  const std::vector<Trial> trials = study.ask(3);
  study.tell(trials[1], 1.0);
  error_text(ErrorCode::already_finished, [&] { study.tell({{0, 5.0}, {1, 6.0}, {2, 7.0}}); });
  EXPECT_EQ(study.trial(0).value, 5.0);
  EXPECT_EQ(study.trial(1).value, 1.0);
  EXPECT_EQ(study.trial(2).value, 7.0);
  const Trial last = study.ask();
  error_text(ErrorCode::invalid_argument, [&] { study.tell({{last.number, 1.0}, {last.number, 2.0}}); });
  study.tell({{last.number, 1.0}, {last.number, 1.0}});
  EXPECT_EQ(study.trial(last.number).value, 1.0);
}

TEST(StudyResults, C14_UnknownTrialsAreNotFound) {
  Study study = new_study(mixed_space());
  EXPECT_TRUE(mentions(error_text(ErrorCode::not_found, [&] { study.tell(0, 1.0); }), "none yet"));
  (void)study.ask(3);
  for (const std::int64_t number : {std::int64_t{-1}, std::int64_t{3}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_TRUE(mentions(error_text(ErrorCode::not_found, [&] { study.tell(number, 1.0); }), "0 to 2"));
    error_text(ErrorCode::not_found, [&] { study.fail(number, "x"); });
    error_text(ErrorCode::not_found, [&] { (void)study.trial(number); });
    error_text(ErrorCode::not_found, [&] { (void)study.requeue(number); });
    error_text(ErrorCode::not_found, [&] { study.set_attribute(number, "note", "1"); });
  }
}

TEST(StudyResults, FailKeepsTheFirstReason) {
  Study study = new_study(mixed_space());
  const std::vector<Trial> trials = study.ask(3);
  study.fail(trials[0], "out of memory");
  study.fail(trials[0], "killed");
  EXPECT_EQ(study.trial(0).failure, "out of memory");
  study.fail(trials[1], "");
  EXPECT_FALSE(study.trial(1).failure.empty());
  study.fail(trials[2], std::string("bad \xff byte ") + std::string(100'000, 'x'));
  const std::string reason = study.trial(2).failure;
  EXPECT_TRUE(mentions(reason, "bad \xef\xbf\xbd byte"));
  EXPECT_LT(reason.size(), 20'000U);
}

TEST(StudyResults, BestIsTheFirstOfEquals) {
  StudyOptions options = options_with(SamplerKind::sobol);
  options.direction = Direction::maximize;
  Study study = new_study(mixed_space(), options);
  const std::vector<Trial> trials = study.ask(4);
  study.tell({{3, 5.0}, {2, 5.0}, {1, 5.0}, {0, 4.0}});
  EXPECT_EQ(study.best().number, 1);
  EXPECT_EQ(study.direction(), Direction::maximize);
}

TEST(StudyResults, RequeuedTrialsAreHandedOutAgain) {
  Study study = new_study(mixed_space());
  const std::vector<Trial> trials = study.ask(2);
  EXPECT_TRUE(study.requeue(trials[0].number));
  EXPECT_FALSE(study.requeue(trials[0].number)) << "it waits already";
  EXPECT_EQ(study.pending().size(), 2U);
  const Trial again = study.ask();
  EXPECT_EQ(again.number, trials[0].number);
  EXPECT_EQ(again.parameters, trials[0].parameters);
  study.tell(again, 1.0);
  EXPECT_FALSE(study.requeue(again.number));
  // The worker that was thought dead delivers after all: the first result counts.
  EXPECT_TRUE(study.requeue(trials[1].number));
  study.tell(trials[1], 3.0);
  EXPECT_EQ(study.trial(trials[1].number).value, 3.0);
  EXPECT_EQ(study.count(TrialState::waiting), 0);
}

TEST(StudyResults, AttributesAreJson) {
  Study study = new_study(mixed_space());
  const Trial trial = study.ask();
  study.set_attribute(trial.number, "note", "{\"a\": [1, 2]}");
  EXPECT_TRUE(mentions(study.trial(trial.number).attributes.at("note"), "[1"));
  error_text(ErrorCode::invalid_argument, [&] { study.set_attribute(trial.number, "note", "not json"); });
  error_text(ErrorCode::invalid_argument, [&] { study.set_attribute(trial.number, "", "1"); });
  study.tell(trial, 1.0);
  study.set_attribute(trial.number, "note", "2");
  EXPECT_EQ(study.trial(trial.number).attributes.at("note"), "2");
}

TEST(StudyResults, AddTakesKnownResultsAndChecksThem) {
  Study study = new_study(mixed_space());
  const std::int64_t number = study.add({{"x", 0.25}, {"k", std::int64_t{2}}, {"c", std::string("a")}, {"m", 0.5}}, 1.5);
  const Trial added = study.trial(number);
  EXPECT_EQ(added.state, TrialState::complete);
  EXPECT_EQ(added.value, 1.5);
  EXPECT_EQ(added.attributes.at("warpbo:origin"), "\"added\"");
  EXPECT_TRUE(mentions(error_text(ErrorCode::invalid_argument,
                                  [&] {
                                    study.add({{"x", 1.5}, {"k", std::int64_t{2}}, {"c", std::string("b")}}, 1.0);
                                  }),
                       "x"));
  error_text(ErrorCode::invalid_argument, [&] { study.add({{"x", 0.5}}, 1.0); });
  error_text(ErrorCode::invalid_argument, [&] {
    study.add({{"x", 0.5}, {"k", std::int64_t{2}}, {"c", std::string("b")}, {"m", 0.5}}, 1.0);
  });
  EXPECT_EQ(study.count(), 1);
}

}  // namespace
}  // namespace warpbo::testing
