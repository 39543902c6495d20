#include "study/fakes.hpp"

#include <cmath>
#include <set>
#include <stdexcept>

namespace warpbo::testing {
namespace {

SuggestResult with(std::vector<Suggestion> suggestions) {
  SuggestResult result;
  result.suggestions = std::move(suggestions);
  return result;
}

Space line() {
  Space space;
  space.real("x", 0.0, 1.0);
  return space;
}

TEST(StudyAsk, TheSamplerSeesTheStudy) {
  StudyOptions options;
  int calls = 0;
  options = options_with([&](const SuggestRequest& request) {
    ++calls;
    if (calls == 2) {
      EXPECT_EQ(request.draw, 3U);
      EXPECT_EQ(request.finished.size(), 2U);
      EXPECT_EQ(request.finished[0].number, 0);
      EXPECT_EQ(request.finished[1].number, 2);
      EXPECT_EQ(request.pending.size(), 1U);
      EXPECT_EQ(request.pending[0].number, 1);
      EXPECT_EQ(request.direction, Direction::maximize);
      EXPECT_EQ(request.count, 2);
    }
    SuggestResult result;
    for (int i = 0; i < request.count; ++i) result.suggestions.push_back({{{"x", 0.1 * calls + 0.01 * i}}, "mine"});
    result.model.kind = "test";
    return result;
  });
  options.direction = Direction::maximize;
  Study study = new_study(line(), options);
  const std::vector<Trial> trials = study.ask(3);
  EXPECT_EQ(trials[1].number, 1);
  EXPECT_EQ(trials[1].state, TrialState::running);
  EXPECT_EQ(trials[1].attributes.at("warpbo:origin"), "\"mine\"");
  EXPECT_EQ(trials[1].attributes.count("warpbo:degraded"), 0U);
  study.tell(trials[2], 1.0);  // out of order
  study.tell(trials[0], 2.0);
  (void)study.ask(2);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(study.model().kind, "test");
}

TEST(StudyAsk, AThrowingSamplerIsReplacedAndTheTrialSaysSo) {
  NoticeLog notices;
  StudyOptions options =
      options_with([](const SuggestRequest&) -> SuggestResult { throw std::runtime_error("matrix 7 is singular"); });
  options.on_notice = notices.receiver();
  Study study = new_study(mixed_space(), options);
  std::set<std::string> seen;
  for (int i = 0; i < 4; ++i) {
    for (const Trial& trial : study.ask(2)) {
      EXPECT_FALSE(study.space().check(trial.parameters));
      EXPECT_TRUE(mentions(trial.attributes.at("warpbo:degraded"), "singular"));
      EXPECT_TRUE(mentions(trial.attributes.at("warpbo:origin"), "sobol"));
      seen.insert(to_string(trial.parameters.at("x")));
      study.tell(trial, 1.0);
    }
  }
  EXPECT_EQ(seen.size(), 8U);
  EXPECT_EQ(notices.count("singular"), 1) << "one notice per cause";
}

TEST(StudyAsk, ErrorsThatConcernTheCallerPass) {
  ErrorCode code = ErrorCode::unavailable;
  Study study =
      new_study(line(), options_with([&](const SuggestRequest&) -> SuggestResult { throw Error(code, "no such device"); }));
  error_text(ErrorCode::unavailable, [&] { (void)study.ask(); });
  code = ErrorCode::exhausted;
  error_text(ErrorCode::exhausted, [&] { (void)study.ask(); });
  EXPECT_EQ(study.count(), 0);
  code = ErrorCode::internal;
  EXPECT_EQ(study.ask(2).size(), 2U);
}

TEST(StudyAsk, ProposalsOutsideOfTheDomainAreReplaced) {
  NoticeLog notices;
  StudyOptions options = options_with([](const SuggestRequest& request) {
    return with({{{{"x", 0.5 + 0.001 * static_cast<double>(request.draw)}}, "good"},
                 {{{"x", 1.0 + 1e-15}}, "bad"},
                 {{{"x", std::nan("")}}, "bad"},
                 {{{"y", 0.5}}, "bad"}});
  });
  options.on_notice = notices.receiver();
  Study study = new_study(line(), options);
  const std::vector<Trial> trials = study.ask(4);
  ASSERT_EQ(trials.size(), 4U);
  EXPECT_EQ(trials[0].get<double>("x"), 0.5);
  for (const Trial& trial : trials) EXPECT_FALSE(study.space().check(trial.parameters));
  EXPECT_EQ(trials[0].attributes.at("warpbo:origin"), "\"good\"");
  EXPECT_TRUE(mentions(trials[3].attributes.at("warpbo:origin"), "sobol"));
  EXPECT_GE(notices.count("outside of the space"), 1);
}

TEST(StudyAsk, TooFewProposalsAreCompleted) {
  Study study = new_study(line(), options_with([](const SuggestRequest&) { return with({{{{"x", 0.5}}, "lazy"}}); }));
  const std::vector<Trial> trials = study.ask(3);
  ASSERT_EQ(trials.size(), 3U);
  EXPECT_EQ(trials[0].get<double>("x"), 0.5);
  EXPECT_TRUE(mentions(trials[2].attributes.at("warpbo:degraded"), "1 of 3"));
}

TEST(StudyAsk, RepeatedProposalsAreReplacedUnlessTheObjectiveIsNoisy) {
  for (const Noise noise : {Noise::deterministic, Noise::infer, Noise::noisy}) {
    StudyOptions options = options_with([](const SuggestRequest& request) {
      SuggestResult result;
      for (int i = 0; i < request.count; ++i) result.suggestions.push_back({{{"x", 0.5}}, "stuck"});
      return result;
    });
    options.sampler.noise = noise;
    Study study = new_study(line(), options);
    std::multiset<double> seen;
    for (const Trial& trial : study.ask(3)) seen.insert(trial.get<double>("x"));
    study.tell(0, 1.0);
    study.fail(1, "broken");
    for (const Trial& trial : study.ask(2)) seen.insert(trial.get<double>("x"));
    EXPECT_EQ(seen.count(0.5), noise == Noise::noisy ? 5U : 1U);
  }
}

TEST(StudyAsk, MisuseIsRefusedBeforeAnythingHappens) {
  Study study = new_study(mixed_space());
  for (const int count : {0, -1, 2'000'000'000}) error_text(ErrorCode::invalid_argument, [&] { (void)study.ask(count); });
  AskOptions options;
  options.attributes["note"] = "no json";
  error_text(ErrorCode::invalid_argument, [&] { (void)study.ask(options); });
  EXPECT_EQ(study.count(), 0);
}

TEST(StudyAsk, FixedValuesAreCheckedAndTaken) {
  Study study = new_study(mixed_space());
  const auto text = [&](Parameters fixed) {
    AskOptions options;
    options.fixed = std::move(fixed);
    return error_text(ErrorCode::invalid_argument, [&] { (void)study.ask(options); });
  };
  EXPECT_TRUE(mentions(text({{"z", 1.0}}), "\"z\""));
  EXPECT_TRUE(mentions(text({{"x", 2.0}}), "x"));
  EXPECT_TRUE(mentions(text({{"k", 2.5}}), "k"));
  EXPECT_TRUE(mentions(text({{"c", std::string("d")}}), "c"));
  EXPECT_TRUE(mentions(text({{"m", 0.5}}), "c == 'a'"));
  EXPECT_TRUE(mentions(text({{"c", std::string("b")}, {"m", 0.5}}), "m"));
  EXPECT_EQ(study.count(), 0);

  AskOptions options;
  options.count = 5;
  options.fixed = {{"m", 0.25}, {"c", std::string("a")}, {"k", 7.0}};
  options.attributes["warpbo:owner"] = "\"host 1\"";
  (void)study.enqueue({{"c", std::string("b")}});
  for (const Trial& trial : study.ask(options)) {
    EXPECT_EQ(trial.get<double>("m"), 0.25);
    EXPECT_EQ(trial.get<int>("k"), 7);
    EXPECT_EQ(trial.attributes.at("warpbo:owner"), "\"host 1\"");
    EXPECT_FALSE(study.space().check(trial.parameters));
  }
  EXPECT_EQ(study.count(TrialState::waiting), 1) << "an enqueued trial need not have the fixed values";
}

TEST(StudyAsk, S12_FixedValuesThatNoConstraintAdmitsEndWithAnError) {
  Space space;
  space.real("x", 0.0, 1.0);
  space.real("y", 0.0, 1.0);
  space.constrain("x + y <= 1");
  space.constrain("x >= 0.5 * y");
  Study study = new_study(space);
  AskOptions options;
  options.fixed = {{"y", 0.9}};  // x <= 0.1 and x >= 0.45
  try {
    (void)study.ask(options);
    ADD_FAILURE() << "no point has this value";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::exhausted || error.code() == ErrorCode::invalid_argument) << error.what();
  }
  EXPECT_EQ(study.count(), 0);
  EXPECT_FALSE(space.check(study.ask().parameters)) << "the study goes on";
}

TEST(StudyAsk, S9_ASinglePointIsGivenOnceOrRepeatedWhenNoisy) {
  Space space;
  space.constant("version", std::int64_t{3});
  space.integer("k", 5, 5);
  for (const Noise noise : {Noise::deterministic, Noise::noisy}) {
    StudyOptions options = options_with(SamplerKind::sobol);
    options.sampler.noise = noise;
    Study study = new_study(space, options);
    const Trial first = study.ask();
    EXPECT_EQ(first.get<int>("k"), 5);
    EXPECT_EQ(first.get<int>("version"), 3);
    study.tell(first, 1.0);
    if (noise == Noise::noisy) {
      EXPECT_EQ(study.ask(2).size(), 2U);
    } else {
      error_text(ErrorCode::exhausted, [&] { (void)study.ask(); });
      EXPECT_EQ(study.count(), 1);
    }
  }
}

TEST(StudyAsk, S10_AFiniteSpaceGivesWhatRemains) {
  for (const SamplerKind kind :
       {SamplerKind::sobol, SamplerKind::random, SamplerKind::grid, SamplerKind::differential_evolution}) {
    NoticeLog notices;
    StudyOptions options = options_with(kind);
    options.on_notice = notices.receiver();
    Study study = new_study(finite_space(), options);
    EXPECT_EQ(study.ask(5).size(), 5U);
    EXPECT_EQ(study.ask(20).size(), 7U);
    std::set<std::string> points;
    for (const Trial& trial : study.history())
      points.insert(to_string(trial.parameters.at("i")) + to_string(trial.parameters.at("c")));
    EXPECT_EQ(points.size(), 12U);
    error_text(ErrorCode::exhausted, [&] { (void)study.ask(); });
    EXPECT_EQ(notices.count("every point"), 1);
  }
}

TEST(StudyAsk, N12_AStudyWhereEverythingFailsGoesOn) {
  NoticeLog notices;
  StudyOptions options = options_with(SamplerKind::automatic);
  options.on_notice = notices.receiver();
  Study study = new_study(mixed_space(), options);
  std::set<std::string> points;
  for (int i = 0; i < 30; ++i) {
    const Trial trial = study.ask();
    EXPECT_FALSE(study.space().check(trial.parameters));
    points.insert(to_string(trial.parameters.at("x")));
    study.fail(trial, "no GPU " + std::to_string(i));
  }
  EXPECT_EQ(points.size(), 30U);
  EXPECT_EQ(notices.count("finished trials failed"), 1);
  EXPECT_TRUE(mentions(error_text(ErrorCode::need_more_data, [&] { (void)study.best(); }), "no GPU 29"));
}

TEST(StudyAsk, N13_HalfFailedTrialsAreNotProposedAgain) {
  Study study = new_study(finite_space(), options_with(SamplerKind::automatic));
  std::set<std::string> points;
  for (int i = 0; i < 12; ++i) {
    const Trial trial = study.ask();
    points.insert(to_string(trial.parameters.at("i")) + to_string(trial.parameters.at("c")));
    if (i % 2 == 0) {
      study.fail(trial, "crashed");
    } else {
      study.tell(trial, trial.get<double>("i"));
    }
  }
  EXPECT_EQ(points.size(), 12U);
}

TEST(StudyAsk, N8_DigitsLostToAnOffsetAreNoticedOnce) {
  NoticeLog notices;
  StudyOptions options = options_with(SamplerKind::sobol);
  options.on_notice = notices.receiver();
  Study study = new_study(mixed_space(), options);
  for (int i = 0; i < 6; ++i) {
    const Trial trial = study.ask();
    study.tell(trial, 1e16 + 2.0 * i);
  }
  (void)study.ask();
  EXPECT_EQ(notices.count("offset"), 1);

  NoticeLog calm;
  options.on_notice = calm.receiver();
  Study ordinary = new_study(mixed_space(), options);
  for (int i = 0; i < 6; ++i) ordinary.tell(ordinary.ask(), 1e6 + i);
  (void)ordinary.ask();
  EXPECT_EQ(calm.sentences.size(), 0U);
}

TEST(StudyAsk, AReceiverOfNoticesMayUseTheStudyAndMayThrow) {
  std::unique_ptr<Study> study;
  int received = 0;
  StudyOptions options = options_with([](const SuggestRequest&) -> SuggestResult { throw std::runtime_error("broken"); });
  options.on_notice = [&](std::string_view) {
    ++received;
    (void)study->ask();  // would dead-lock if a lock were held
    throw std::runtime_error("the receiver is broken, too");
  };
  study = std::make_unique<Study>(new_study(line(), options));
  const Trial trial = study->ask();
  EXPECT_EQ(trial.number, 0);
  EXPECT_EQ(received, 1);
  EXPECT_EQ(study->count(), 2);
}

}  // namespace
}  // namespace warpbo::testing
