// What every strategy owes its caller, whatever it does inside.

#include "samplers/random_spaces.hpp"
#include "samplers/simulated_study.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace warpbo::samplers {
namespace {

std::unique_ptr<Sampler> make(SamplerKind kind, std::uint64_t seed = 1, Noise noise = Noise::infer) {
  SamplerOptions options;
  options.kind = kind;
  options.seed = seed;
  options.noise = noise;
  options.grid_points = 3;
  return make_sampler(options);
}

/// The values as one text, so that points can be put into sets.
std::string text(const Parameters& parameters) {
  std::string all;
  for (const auto& [name, value] : parameters) all += name + "=" + to_string(value) + ";";
  return all;
}

Parameters reals(std::initializer_list<std::pair<const char*, double>> values) {
  Parameters parameters;
  for (const auto& [name, value] : values) parameters.set(name, value);
  return parameters;
}

/// Some smooth function of whatever a space holds.
double objective(const Parameters& parameters) {
  double sum = 0;
  for (const auto& [name, value] : parameters) {
    if (const auto* real = std::get_if<double>(&value)) sum += std::pow(*real - 0.7, 2);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) sum += std::fabs(static_cast<double>(*integer) - 3);
    if (const auto* word = std::get_if<std::string>(&value)) sum += *word == "c" ? 0 : 1;
    if (const auto* flag = std::get_if<bool>(&value)) sum += *flag ? 0 : 0.5;
  }
  return sum;
}

class Conformance : public testing::TestWithParam<SamplerKind> {
 protected:
  /// Strategies with a model fit it at every ask: they get fewer rounds of the long tests, so that the default run stays short.
  static std::uint64_t rounds(std::uint64_t cheap, std::uint64_t with_model) {
    return GetParam() == SamplerKind::gp || GetParam() == SamplerKind::automatic || GetParam() == SamplerKind::trust_region
               ? with_model
               : cheap;
  }
};

std::string kind_name(const testing::TestParamInfo<SamplerKind>& info) { return std::string(to_string(info.param)); }

INSTANTIATE_TEST_SUITE_P(AllSamplers, Conformance,
                         testing::Values(SamplerKind::random, SamplerKind::grid, SamplerKind::sobol,
                                         SamplerKind::differential_evolution, SamplerKind::gp, SamplerKind::trust_region,
                                         SamplerKind::automatic),
                         kind_name);

// On many spaces with conditions and constraints: points of the space, no point twice, pending ones known, failures not
// repeated, and as many as were asked for unless the space is exhausted.
TEST_P(Conformance, N13_ProposalsAreNewPointsOfTheSpaceThoughHalfOfThemFail) {
  for (std::uint64_t seed = 0; seed < rounds(60, 6); ++seed) {
    SCOPED_TRACE("space " + std::to_string(seed));
    SimulatedStudy study(random_space(seed), seed % 2 == 0 ? Direction::minimize : Direction::maximize);
    const auto sampler = make(GetParam(), seed);
    std::mt19937_64 random(seed);
    std::set<std::string> seen;
    for (int round = 0; round < 12; ++round) {
      const int count = 1 + static_cast<int>(random() % 7);
      const auto trials = study.ask(*sampler, count);
      ASSERT_LE(static_cast<int>(trials.size()), count);
      if (static_cast<int>(trials.size()) < count) {
        ASSERT_TRUE(study.last().exhausted);
        break;
      }
      for (const Trial& trial : trials) {
        const auto problem = study.space().check(trial.parameters);
        ASSERT_EQ(problem, std::nullopt) << *problem << " in " << text(trial.parameters);
        ASSERT_TRUE(seen.insert(text(trial.parameters)).second) << text(trial.parameters);
      }
      // Half of all trials fail, and some stay pending for a while.
      const std::vector<Trial> running = study.pending();
      for (const Trial& trial : running) {
        const auto fate = random() % 5;
        if (fate < 2) study.tell(trial, objective(trial.parameters));
        if (fate == 2 || fate == 3) study.fail(trial);
      }
    }
  }
}

TEST_P(Conformance, N1_EmptyHistoryGivesDistinctPoints) {
  Space space;
  space.real("x", 0, 1);
  space.integer("n", 1, 100).log();
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  std::set<std::string> seen;
  for (const Trial& trial : study.ask(*sampler, 16)) seen.insert(text(trial.parameters));
  EXPECT_EQ(seen.size(), 16u);
}

TEST_P(Conformance, N12_AllTrialsFailedStillGivesNewPoints) {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 1);
  space.categorical("c", {"a", "b"});
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  std::set<std::string> seen;
  for (int i = 0; i < 16; ++i) {
    const auto trials = study.ask(*sampler);
    ASSERT_EQ(trials.size(), 1u);
    EXPECT_TRUE(seen.insert(text(trials[0].parameters)).second);
    study.fail(trials[0]);
  }
}

// Only the request and the options count: not the object's past, not who asked.
TEST_P(Conformance, AnswerIsAFunctionOfRequestAndOptions) {
  for (std::uint64_t seed = 100; seed < 100 + rounds(15, 3); ++seed) {
    SimulatedStudy study(random_space(seed));
    const auto old = make(GetParam(), 5);
    for (std::uint64_t i = 0; i < rounds(30, 10); ++i) {
      const auto fresh = make(GetParam(), 5);
      const auto expected = fresh->suggest(study.request(2)).suggestions;
      const auto trials = study.ask(*old, 2);
      ASSERT_EQ(trials.size(), expected.size());
      for (std::size_t k = 0; k < trials.size(); ++k) ASSERT_EQ(trials[k].parameters, expected[k].parameters);
      for (const Trial& trial : trials) study.tell(trial, objective(trial.parameters));
    }
  }
}

TEST_P(Conformance, ProcessesAtDifferentDrawsDoNotRepeatEachOther) {
  if (GetParam() == SamplerKind::grid) GTEST_SKIP() << "the grid has an order of its own and goes by the trials it sees";
  Space space;
  space.real("x", 0, 1);
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  SuggestRequest first = study.request(4), second = study.request(4);
  second.draw = 4;
  std::set<double> seen;
  for (const SuggestRequest& request : {first, second}) {
    for (const Suggestion& suggestion : sampler->suggest(request).suggestions)
      seen.insert(suggestion.parameters.get<double>("x"));
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST_P(Conformance, SeedsDiffer) {
  if (GetParam() == SamplerKind::grid) GTEST_SKIP() << "the grid does not depend on the seed";
  Space space;
  space.real("x", 0, 1);
  SimulatedStudy study(space);
  const auto one = make(GetParam(), 1)->suggest(study.request(1)).suggestions;
  const auto two = make(GetParam(), 2)->suggest(study.request(1)).suggestions;
  EXPECT_NE(one[0].parameters, two[0].parameters);
}

TEST_P(Conformance, S9_OnlyConstantsGiveOnePointThenExhausted) {
  Space space;
  space.constant("c", std::string("only"));
  space.real("x", 2, 2);
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  const auto trials = study.ask(*sampler, 3);
  ASSERT_EQ(trials.size(), 1u);
  EXPECT_TRUE(study.last().exhausted);
  EXPECT_EQ(trials[0].parameters, (Parameters{{"c", std::string("only")}, {"x", 2.0}}));
  EXPECT_TRUE(study.ask(*sampler).empty());  // pending
  study.tell(trials[0], 1);
  EXPECT_TRUE(study.ask(*sampler).empty());  // evaluated
  EXPECT_TRUE(study.last().exhausted);
}

TEST_P(Conformance, S9_NoisyObjectiveRepeatsTheOnlyPoint) {
  Space space;
  space.integer("n", 4, 4);
  space.boolean("flag");
  SimulatedStudy study(space);
  const auto sampler = make(GetParam(), 1, Noise::noisy);
  for (int round = 0; round < 5; ++round) {
    const auto trials = study.ask(*sampler, 3, {{"flag", true}});
    ASSERT_EQ(trials.size(), 3u) << "round " << round;
    EXPECT_FALSE(study.last().exhausted);
    for (const Trial& trial : trials) study.tell(trial, round);
  }
}

TEST_P(Conformance, S9_FailedOnlyPointIsNotRepeatedEvenIfNoisy) {
  Space space;
  space.boolean("flag");
  SimulatedStudy study(space);
  const auto sampler = make(GetParam(), 1, Noise::noisy);
  const auto trials = study.ask(*sampler, 2);
  ASSERT_EQ(trials.size(), 2u);
  EXPECT_NE(trials[0].parameters, trials[1].parameters);
  study.fail(trials[0]);
  study.tell(trials[1], 1);
  for (const Trial& trial : study.ask(*sampler, 4)) EXPECT_EQ(trial.parameters, trials[1].parameters);
  for (const Trial& trial : std::vector<Trial>(study.pending())) study.fail(trial);
  EXPECT_TRUE(study.ask(*sampler).empty());
  EXPECT_TRUE(study.last().exhausted);
}

// Every point of a finite conditional space once, then exhausted; counted by hand: 3 x (1 + 4) + 3.
TEST_P(Conformance, S10_MoreThanRemainingReturnsWhatRemains) {
  Space space;
  space.integer("n", 1, 3);
  space.categorical("opt", {"sgd", "adam"});
  space.real("momentum", 0, 0.9).step(0.3).when("opt == 'sgd'");
  space.constant("version", std::int64_t{1});
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  std::set<std::string> seen;
  for (const int count : {4, 1, 5, 2}) {
    const auto trials = study.ask(*sampler, count);
    ASSERT_EQ(static_cast<int>(trials.size()), count);
    EXPECT_FALSE(study.last().exhausted);
    for (const Trial& trial : trials) seen.insert(text(trial.parameters));
    for (const Trial& trial : trials) study.tell(trial, objective(trial.parameters));
  }
  const auto rest = study.ask(*sampler, 100);
  EXPECT_EQ(rest.size(), 3u);
  EXPECT_TRUE(study.last().exhausted);
  for (const Trial& trial : rest) seen.insert(text(trial.parameters));
  EXPECT_EQ(seen.size(), 15u);
  EXPECT_TRUE(study.ask(*sampler, 5).empty());
}

TEST_P(Conformance, S10_FiniteSpacesAreExhaustedExactly) {
  for (std::uint64_t seed = 200; seed < 200 + rounds(30, 10); ++seed) {
    const Space space = random_space(seed, {.conditions = true, .constraints = false, .continuous = false});
    const auto total = space.cardinality();
    if (!total || *total > static_cast<std::int64_t>(rounds(600, 60))) continue;
    SCOPED_TRACE("space " + std::to_string(seed) + " with " + std::to_string(*total) + " points");
    SimulatedStudy study(space);
    const auto sampler = make(GetParam(), seed);
    std::set<std::string> seen;
    while (true) {
      const auto trials = study.ask(*sampler, 7);
      for (const Trial& trial : trials) {
        ASSERT_TRUE(seen.insert(text(trial.parameters)).second);
        study.tell(trial, objective(trial.parameters));
      }
      if (trials.size() < 7) break;
    }
    EXPECT_EQ(static_cast<std::int64_t>(seen.size()), *total);
    EXPECT_TRUE(study.last().exhausted);
  }
}

// Two million levels, of which a constraint leaves four.
TEST_P(Conformance, S10_FewFeasiblePointsOfALargeSpace) {
  Space space;
  space.integer("n", 0, (1 << 21) - 1);
  space.constrain("n <= 3");
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  const auto trials = study.ask(*sampler, GetParam() == SamplerKind::grid ? 4 : 10);
  std::set<std::int64_t> seen;
  for (const Trial& trial : trials) seen.insert(trial.get<std::int64_t>("n"));
  EXPECT_EQ(seen, (std::set<std::int64_t>{0, 1, 2, 3}));
}

TEST_P(Conformance, FixedValuesAreTakenExactly) {
  Space space;
  space.real("x", 1e-5, 1e-1).log();
  space.real("y", -1, 1);
  space.integer("n", 1, 1000000);
  space.categorical("opt", {"sgd", "adam", "rmsprop"});
  space.real("momentum", 0, 1).when("opt == 'sgd'");
  const Parameters choices[] = {reals({{"x", 0.1 / 3}}),
                                {{"n", std::int64_t{123457}}, {"y", 0.1}},
                                {{"opt", std::string("adam")}},
                                {{"momentum", 0.3}},  // needs opt == sgd, which is not given
                                {{"opt", std::string("sgd")}, {"momentum", 0.9}, {"x", 1e-5}}};
  for (const Parameters& fixed : choices) {
    SCOPED_TRACE(text(fixed));
    SimulatedStudy study(space);
    const auto sampler = make(GetParam());
    for (int i = 0; i < 8; ++i) {
      const auto trials = study.ask(*sampler, 3, fixed);
      // Of the grid's three values per real number some slices hold fewer points than are asked for here.
      if (trials.size() < 3 && GetParam() == SamplerKind::grid && study.last().exhausted && study.finished().size() >= 9) break;
      ASSERT_EQ(trials.size(), 3u);
      for (const Trial& trial : trials) {
        EXPECT_EQ(space.check(trial.parameters), std::nullopt);
        for (const auto& [name, value] : fixed) {
          ASSERT_TRUE(trial.parameters.contains(name));
          EXPECT_EQ(trial.parameters.at(name), value) << name;
        }
        study.tell(trial, objective(trial.parameters));
      }
    }
  }
}

TEST_P(Conformance, FixedValuesWithConstraints) {
  Space space;
  space.real("a", 0, 1);
  space.real("b", 0, 1);
  space.integer("k", 0, 10);
  space.constrain("a + b <= 1");
  space.constrain("10 * a + k <= 12");
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  int total = 0;
  for (int i = 0; i < 6; ++i) {
    for (const Trial& trial : study.ask(*sampler, 2, reals({{"a", 0.97}}))) {
      ++total;
      EXPECT_EQ(space.check(trial.parameters), std::nullopt);
      EXPECT_EQ(trial.get<double>("a"), 0.97);
      EXPECT_LE(trial.get<double>("b"), 0.03 + 1e-12);
      study.tell(trial, objective(trial.parameters));
    }
  }
  // The grid has b = 0 only and k = 0, 1, 2; the others have all of [0, 0.03].
  EXPECT_EQ(total, GetParam() == SamplerKind::grid ? 3 : 12);
  EXPECT_THROW({ static_cast<void>(study.ask(*sampler, 1, Parameters{{"a", 1.0}, {"b", 0.5}})); }, Error);
}

TEST_P(Conformance, FixedValuesOutsideTheSpaceAreRefusedByName) {
  Space space;
  space.real("x", 0, 1);
  space.categorical("c", {"a", "b"});
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  const auto message = [&](const Parameters& fixed) -> std::string {
    try {
      static_cast<void>(study.ask(*sampler, 1, fixed));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message(reals({{"x", 1.5}})).find("x"), std::string::npos);
  EXPECT_NE(message(reals({{"x", 1.5}})).find("1.5"), std::string::npos);
  EXPECT_NE(message(reals({{"z", 0.5}})).find("\"z\""), std::string::npos);
  EXPECT_NE(message({{"c", std::string("d")}}).find("c"), std::string::npos);
}

TEST_P(Conformance, FixedFiniteSliceIsExhausted) {
  Space space;
  space.integer("i", 1, 5);
  space.integer("j", 1, 4);
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  const auto trials = study.ask(*sampler, 9, {{"i", std::int64_t{2}}});
  EXPECT_EQ(trials.size(), 4u);
  EXPECT_TRUE(study.last().exhausted);
  EXPECT_EQ(study.ask(*sampler, 3).size(), 3u);
}

// A history from another program: values outside, unknown choices, missing parameters. They must not hurt.
TEST_P(Conformance, ForeignHistoryIsHarmless) {
  Space space;
  space.real("x", 0, 1);
  space.categorical("c", {"a", "b"});
  SimulatedStudy study(space);
  const auto sampler = make(GetParam());
  std::vector<Trial> finished(4);
  for (int i = 0; i < 4; ++i) {
    finished[static_cast<std::size_t>(i)].number = i;
    finished[static_cast<std::size_t>(i)].state = TrialState::complete;
    finished[static_cast<std::size_t>(i)].value = i;
  }
  finished[0].parameters = {{"x", 7.0}, {"c", std::string("a")}};
  finished[1].parameters = {{"x", 0.5}, {"c", std::string("zebra")}};
  finished[2].parameters = {};
  finished[3].parameters = {{"x", std::string("text")}, {"c", true}};
  SuggestRequest request = study.request(5);
  request.finished = finished;
  request.draw = 4;
  const SuggestResult result = sampler->suggest(request);
  ASSERT_EQ(result.suggestions.size(), 5u);
  for (const Suggestion& suggestion : result.suggestions) EXPECT_EQ(space.check(suggestion.parameters), std::nullopt);
}

TEST(SamplerNames, RoundTripAndRefusal) {
  for (const char* name : {"auto", "gp", "random", "grid", "sobol", "de", "trust"})
    EXPECT_EQ(to_string(parse_sampler_kind(name)), name);
  try {
    static_cast<void>(parse_sampler_kind("tpe"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("sobol"), std::string::npos);
  }
}

}  // namespace
}  // namespace warpbo::samplers
