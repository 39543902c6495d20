#include "samplers/gp_sampler.hpp"
#include "problems/problems.hpp"
#include "samplers/gp_domain.hpp"
#include "samplers/gp_observations.hpp"

#include <warpbo/sampler.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace warpbo::samplers {
namespace {

Trial told(std::int64_t number, Parameters parameters, double value) {
  Trial trial;
  trial.id = trial.number = number;
  trial.parameters = std::move(parameters);
  trial.state = std::isnan(value) ? TrialState::failed : TrialState::complete;
  if (trial.state == TrialState::complete) trial.value = value;
  return trial;
}

SamplerOptions gp_options(std::uint64_t seed = 0) {
  SamplerOptions options;
  options.kind = SamplerKind::gp;
  options.seed = seed;
  options.device = Device::cpu();
  return options;
}

SuggestResult ask(Sampler& sampler, const Space& space, const std::vector<Trial>& finished, int count = 1,
                  const std::vector<Trial>& pending = {}) {
  SuggestRequest request{space, finished, pending, Direction::minimize, count, {}, finished.size() + pending.size()};
  return sampler.suggest(request);
}

Space square() {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 1);
  return space;
}

std::vector<Trial> history(const Space& space, int n, const std::function<double(double, double)>& f) {
  std::vector<Trial> out;
  SamplerOptions options = gp_options();
  options.kind = SamplerKind::random;
  const auto random = make_sampler(options);
  for (int i = 0; i < n; ++i) {
    const Parameters p = ask(*random, space, out).suggestions.at(0).parameters;
    out.push_back(told(i, p, f(p.get<double>("x"), p.get<double>("y"))));
  }
  return out;
}

double bowl(double x, double y) { return (x - 0.3) * (x - 0.3) + (y - 0.7) * (y - 0.7); }

TEST(GpSampler, GoesWhereTheModelPromisesMost) {
  const Space space = square();
  const auto sampler = make_sampler(gp_options());
  const SuggestResult result = ask(*sampler, space, history(space, 25, bowl));
  const Parameters& p = result.suggestions.at(0).parameters;
  EXPECT_NEAR(p.get<double>("x"), 0.3, 0.05);
  EXPECT_NEAR(p.get<double>("y"), 0.7, 0.05);
  EXPECT_EQ(result.suggestions[0].origin, "gp/logei");
  EXPECT_EQ(result.model.kind, "gp");
  EXPECT_EQ(result.model.observations, 25);
  EXPECT_GT(result.model.leave_one_out_r2, 0.8);
  EXPECT_EQ(result.model.lengthscales.size(), 2U);
}

TEST(GpSampler, MaximizingIsMinimizingTheNegative) {
  const Space space = square();
  const std::vector<Trial> down = history(space, 15, bowl),
                           up = history(space, 15, [](double x, double y) { return -bowl(x, y); });
  const SuggestRequest request{space, up, {}, Direction::maximize, 1, {}, up.size()};
  EXPECT_EQ(make_sampler(gp_options())->suggest(request).suggestions[0].parameters,
            ask(*make_sampler(gp_options()), space, down).suggestions[0].parameters);
}

// N13: the region of failed trials is left alone although the objective seems to lead into it.
TEST(GpSampler, N13_RegionsThatFailAreAvoided) {
  const Space space = square();
  const auto f = [](double x, double y) { return x > 0.6 ? NAN : 1 - x + 0.1 * y; };
  std::vector<Trial> trials = history(space, 30, f);
  const auto sampler = make_sampler(gp_options());
  int failures = 0;
  for (int i = 0; i < 15; ++i) {
    const Parameters p = ask(*sampler, space, trials).suggestions.at(0).parameters;
    const double value = f(p.get<double>("x"), p.get<double>("y"));
    failures += std::isnan(value) ? 1 : 0;
    trials.push_back(told(static_cast<std::int64_t>(trials.size()), p, value));
  }
  EXPECT_LE(failures, 7);
}

// N6, N7, N8, N9: no scale, no constant, no outlier keeps the model from proposing inside the domain.
TEST(GpSampler, N6_N7_N8_N9_HostileTargetsGiveProposalsInTheDomain) {
  const Space space = square();
  const std::vector<std::function<double(double, double)>> objectives = {
      [](double, double) { return 5.0; },
      [](double x, double y) { return 1e300 * bowl(x, y); },
      [](double x, double y) { return 1e-300 * bowl(x, y); },
      [](double x, double y) { return 1e-310 * bowl(x, y); },
      [](double x, double y) { return 1e16 + 2 * std::round(bowl(x, y)); },
      [](double x, double y) { return x < 0.1 ? 1e50 : bowl(x, y); },
      [](double x, double y) { return x < 0.1 ? std::numeric_limits<double>::infinity() : bowl(x, y); },
      [](double x, double y) { return x > y ? 1.7e308 : -1.7e308; },
  };
  for (const auto& f : objectives) {
    const std::vector<Trial> trials = history(space, 20, f);
    const SuggestResult result = ask(*make_sampler(gp_options()), space, trials, 3);
    ASSERT_EQ(result.suggestions.size(), 3U);
    for (const Suggestion& suggestion : result.suggestions) EXPECT_FALSE(space.check(suggestion.parameters));
    EXPECT_TRUE(result.degraded.empty()) << result.degraded[0];
  }
}

// N3, N4: the same point again and again, with equal or different values.
TEST(GpSampler, N3_N4_RepeatedPointsAreMergedAndNotRepeated) {
  const Space space = square();
  for (const double spread : {0.0, 1.0}) {
    std::vector<Trial> trials = history(space, 6, bowl);
    for (int i = 0; i < 30; ++i) trials.push_back(told(6 + i, trials[2].parameters, *trials[2].value + spread * (i % 3)));
    const SuggestResult result = ask(*make_sampler(gp_options()), space, trials);
    EXPECT_EQ(result.model.observations, 6);
    EXPECT_NE(result.suggestions.at(0).parameters, trials[2].parameters);
  }
}

// N12
TEST(GpSampler, N12_OnlyFailuresGiveQuasiRandomPointsElsewhere) {
  const Space space = square();
  const std::vector<Trial> trials = history(space, 20, [](double, double) { return NAN; });
  const SuggestResult result = ask(*make_sampler(gp_options()), space, trials, 4);
  ASSERT_EQ(result.suggestions.size(), 4U);
  for (const Suggestion& suggestion : result.suggestions)
    for (const Trial& trial : trials) EXPECT_NE(suggestion.parameters, trial.parameters);
}

// The answer is a function of history and options: a sampler that saw the whole run and a fresh one agree.
TEST(GpSampler, AFreshProcessContinuesWhereTheOldOneWas) {
  const Space space = square();
  const auto old = make_sampler(gp_options(3));
  std::vector<Trial> trials;
  for (int i = 0; i < 60; ++i) {
    const Parameters p = ask(*old, space, trials).suggestions.at(0).parameters;
    trials.push_back(told(i, p, bowl(p.get<double>("x"), p.get<double>("y")) + 0.1 * std::sin(20 * p.get<double>("x"))));
  }
  const Parameters next = ask(*old, space, trials).suggestions[0].parameters;
  EXPECT_EQ(ask(*make_sampler(gp_options(3)), space, trials).suggestions[0].parameters, next);
}

TEST(GpSampler, ConditionsConstraintsAndFixedValuesHold) {
  Space space;
  space.real("a", 0, 1);
  space.real("b", 0, 1);
  space.categorical("kind", {"one", "two", "three"});
  space.integer("n", 1, 40).log();
  space.real("only_two", -1, 1).when("kind == 'two'");
  space.constrain("a + b <= 0.8");
  std::vector<Trial> trials;
  const auto sampler = make_sampler(gp_options());
  for (int i = 0; i < 30; ++i) {
    const Parameters p = ask(*sampler, space, trials).suggestions.at(0).parameters;
    ASSERT_FALSE(space.check(p)) << *space.check(p);
    const double extra = p.contains("only_two") ? p.get<double>("only_two") : 0.4;
    trials.push_back(
        told(i, p, -p.get<double>("a") - 2 * p.get<double>("b") + extra + std::fabs(std::log(p.get<double>("n") / 7))));
  }
  SuggestRequest request{
      space, trials, {}, Direction::minimize, 3, Parameters{{"kind", std::string("three")}, {"n", std::int64_t{5}}}, 30};
  for (const Suggestion& suggestion : sampler->suggest(request).suggestions) {
    EXPECT_FALSE(space.check(suggestion.parameters));
    EXPECT_EQ(suggestion.parameters.get<std::string>("kind"), "three");
    EXPECT_EQ(suggestion.parameters.get<int>("n"), 5);
  }
  double best = 1e9;
  for (const Trial& trial : trials) best = std::min(best, *trial.value);
  EXPECT_LT(best, -2.0);  // the optimum is b = 0.8, two, -1, 7: -2.6
}

TEST(GpSampler, TheConfidenceBoundExploresMoreWithALargerCoefficient) {
  const Space space = square();
  const std::vector<Trial> trials = history(space, 15, bowl);
  const auto distance_to_data = [&](double coefficient) {
    SamplerOptions options = gp_options();
    options.acquisition = AcquisitionFunction::confidence_bound;
    options.ucb_coefficient = coefficient;
    const Suggestion suggestion = ask(*make_sampler(options), space, trials).suggestions.at(0);
    EXPECT_EQ(suggestion.origin, "gp/ucb");
    return std::sqrt(bowl(suggestion.parameters.get<double>("x"), suggestion.parameters.get<double>("y")));
  };
  EXPECT_LT(distance_to_data(0), 0.1);
  EXPECT_GT(distance_to_data(1000), 0.3);
}

// Beyond 200 observations new results extend the factor: the proposals stay those of a process that builds it anew.
TEST(GpSampler, ExtendingTheFactorChangesNothingButRounding) {
  const Space space = square();
  std::vector<Trial> trials = history(space, 204, [](double x, double y) { return bowl(x, y) + 0.1 * std::sin(15 * x); });
  const auto old = make_sampler(gp_options());
  (void)ask(*old, space, std::vector<Trial>(trials.begin(), trials.end() - 3));
  const SuggestResult extended = ask(*old, space, trials), fresh = ask(*make_sampler(gp_options()), space, trials);
  EXPECT_EQ(extended.model.lengthscales, fresh.model.lengthscales);
  EXPECT_NEAR(extended.model.leave_one_out_r2, fresh.model.leave_one_out_r2, 1e-6);
  for (const char* name : {"x", "y"})
    EXPECT_NEAR(extended.suggestions[0].parameters.get<double>(name), fresh.suggestions[0].parameters.get<double>(name), 1e-3);
}

// G4: ten thousand pending trials are avoided, the latest of them modelled; the cost stays bounded.
TEST(GpSampler, G4_ThousandsOfPendingTrials) {
  const Space space = square();
  std::vector<Trial> pending = history(space, 3000, bowl);
  for (Trial& trial : pending) {
    trial.state = TrialState::running;
    trial.value.reset();
  }
  const SuggestResult result = ask(*make_sampler(gp_options()), space, history(space, 20, bowl), 2, pending);
  ASSERT_EQ(result.suggestions.size(), 2U);
  EXPECT_EQ(result.degraded.size(), 1U);
}

// Trials of other programs that lack a parameter are no points of the space.
TEST(GpSampler, IncompleteForeignTrialsAreLeftOut) {
  const Space space = square();
  std::vector<Trial> trials = history(space, 8, bowl);
  trials.push_back(told(8, Parameters{{"x", 0.5}}, -100));
  EXPECT_EQ(ask(*make_sampler(gp_options()), space, trials).model.observations, 8);
}

// N16: more observations than the model can hold: it takes the best and the latest, and says so.
TEST(GpSampler, N16_MoreObservationsThanTheModelHolds) {
  const Space space = square();
  const std::vector<Trial> trials = history(space, 500, bowl);
  GpRecipe recipe;
  recipe.max_observations = 100;
  const SuggestResult result = ask(*make_gp_sampler(gp_options(), recipe), space, trials);
  EXPECT_LE(result.model.observations, 100);
  EXPECT_GE(result.model.observations, 88);
  ASSERT_EQ(result.degraded.size(), 1U);
  EXPECT_NE(result.degraded[0].find(std::to_string(result.model.observations) + " of 500"), std::string::npos);
  EXPECT_LT(bowl(result.suggestions.at(0).parameters.get<double>("x"), result.suggestions[0].parameters.get<double>("y")),
            0.01);
}

// N16: beyond what a process can answer from within one ask, `auto` goes on without it.
TEST(GpSampler, N16_AHundredThousandTrialsToldAtOnce) {
  const Space space = square();
  std::vector<Trial> trials;
  for (int i = 0; i < 100000; ++i) {
    const double x = (i % 317) / 317.0, y = (i / 317) / 316.0;
    trials.push_back(told(i, Parameters{{"x", x}, {"y", y}}, bowl(x, y)));
  }
  SamplerOptions options = gp_options();
  options.kind = SamplerKind::automatic;
  const SuggestResult result = ask(*make_sampler(options), space, trials, 4);
  ASSERT_EQ(result.suggestions.size(), 4U);
  for (const Suggestion& suggestion : result.suggestions) EXPECT_FALSE(space.check(suggestion.parameters));
}

// S2: many dimensions.
class GpSamplerDimensions : public ::testing::TestWithParam<int> {};

TEST_P(GpSamplerDimensions, S2_OneAndAThousandDimensions) {
  Space space;
  const int d = GetParam();
  for (int i = 0; i < d; ++i) space.real("x" + std::to_string(i), 0, 1);
  std::vector<Trial> trials;
  const auto sampler = make_sampler(gp_options());
  for (int i = 0; i < 28; ++i) {
    const Parameters p = ask(*sampler, space, trials).suggestions.at(0).parameters;
    trials.push_back(told(i, p, bowl(p.get<double>("x0"), p.get<double>("x" + std::to_string(d / 2)))));
  }
  EXPECT_EQ(ask(*sampler, space, trials).suggestions[0].origin, "gp/logei");
}

INSTANTIATE_TEST_SUITE_P(Dimensions, GpSamplerDimensions, ::testing::Values(1, 100, 1000));

// A batch far beyond what climbs and what is chosen jointly.
TEST(GpSampler, AThousandProposalsAreDistinctAndInTheDomain) {
  const Space space = square();
  const SuggestResult result = ask(*make_sampler(gp_options()), space, history(space, 20, bowl), 1000);
  std::set<std::pair<double, double>> distinct;
  for (const Suggestion& suggestion : result.suggestions) {
    EXPECT_FALSE(space.check(suggestion.parameters));
    distinct.emplace(suggestion.parameters.get<double>("x"), suggestion.parameters.get<double>("y"));
  }
  EXPECT_EQ(distinct.size(), 1000U);
}

/// A space with everything in it, and a history that succeeds everywhere.
Space everything() {
  Space space;
  space.real("a", 0, 1);
  space.real("b", 0, 1);
  space.categorical("kind", {"one", "two", "three"});
  space.integer("n", 1, 40).log();
  space.real("only_two", -1, 1).when("kind == 'two'");
  space.constrain("a + b <= 0.8");
  return space;
}

std::vector<Trial> random_trials(const Space& space, int n) {
  SamplerOptions options = gp_options();
  options.kind = SamplerKind::random;
  std::vector<Trial> out;
  int number = 0;
  for (const Suggestion& suggestion : ask(*make_sampler(options), space, {}, n).suggestions) {
    const Parameters& p = suggestion.parameters;
    out.push_back(told(number++, p, -p.get<double>("a") + std::fabs(std::log(p.get<double>("n") / 7))));
  }
  return out;
}

TEST(GpSampler, LargeBatchesKeepConditionsConstraintsAndFixedValues) {
  const Space space = everything();
  const std::vector<Trial> trials = random_trials(space, 40);
  const std::vector<Trial> pending = [&] {
    std::vector<Trial> out;
    for (const Suggestion& suggestion : ask(*make_sampler(gp_options(9)), space, trials, 600).suggestions) {
      out.emplace_back();
      out.back().parameters = suggestion.parameters;
      out.back().state = TrialState::running;
    }
    return out;
  }();
  ASSERT_EQ(pending.size(), 600U);
  SuggestRequest request{space, trials, pending, Direction::minimize, 200, Parameters{{"kind", std::string("two")}}, 640};
  const SuggestResult result = make_sampler(gp_options())->suggest(request);
  EXPECT_FALSE(result.exhausted);
  std::vector<Parameters> distinct;
  for (const Trial& trial : pending) distinct.push_back(trial.parameters);
  int paths = 0;
  for (const Suggestion& suggestion : result.suggestions) {
    EXPECT_FALSE(space.check(suggestion.parameters)) << *space.check(suggestion.parameters);
    EXPECT_EQ(suggestion.parameters.get<std::string>("kind"), "two");
    EXPECT_EQ(std::count(distinct.begin(), distinct.end(), suggestion.parameters), 0);
    distinct.push_back(suggestion.parameters);
    paths += suggestion.origin == "gp/path" ? 1 : 0;
  }
  EXPECT_EQ(result.suggestions.size(), 200U);
  EXPECT_GE(paths, 100);
}

// S10: what remains of a finite space, flagged.
TEST(GpSampler, S10_LargeBatchesOfAFiniteSpaceGiveWhatRemains) {
  Space space;
  space.integer("n", 1, 12);
  space.categorical("c", {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  SamplerOptions random = gp_options();
  random.kind = SamplerKind::random;
  std::vector<Trial> trials;
  for (const Suggestion& suggestion : ask(*make_sampler(random), space, {}, 20).suggestions) {
    const int n = suggestion.parameters.get<int>("n");
    trials.push_back(told(std::ssize(trials), suggestion.parameters, n * n));
  }
  for (const int count : {70, 100, 5000}) {
    const SuggestResult result = ask(*make_sampler(gp_options()), space, trials, count);
    std::set<std::pair<int, std::string>> distinct;
    for (const Suggestion& suggestion : result.suggestions)
      distinct.emplace(suggestion.parameters.get<int>("n"), suggestion.parameters.get<std::string>("c"));
    EXPECT_EQ(std::ssize(distinct), std::ssize(result.suggestions));
    EXPECT_EQ(std::ssize(distinct), std::min(count, 100));
    EXPECT_EQ(result.exhausted, count > 100);
  }
}

TEST(GpSampler, ThompsonSamplingFollowsFunctionsWhateverTheBatch) {
  SamplerOptions options = gp_options();
  options.acquisition = AcquisitionFunction::thompson;
  EXPECT_EQ(parse_acquisition("thompson"), AcquisitionFunction::thompson);
  const Space space = square();
  for (const int count : {1, 3}) {
    const SuggestResult result = ask(*make_sampler(options), space, history(space, 30, bowl), count);
    ASSERT_EQ(std::ssize(result.suggestions), count);
    for (const Suggestion& suggestion : result.suggestions) {
      EXPECT_EQ(suggestion.origin, "gp/path");
      EXPECT_LT(bowl(suggestion.parameters.get<double>("x"), suggestion.parameters.get<double>("y")), 0.05);
    }
  }
}

TEST(Observations, MergeImputeAndSelect) {
  const Space space = square();
  const space::Encoder encoder(space);
  const Parameters a{{"x", 0.25}, {"y", 0.5}}, b{{"x", 0.5}, {"y", 0.5}}, c{{"x", 0.75}, {"y", 0.5}};
  const std::vector<Trial> trials = {told(0, a, 1), told(1, b, NAN), told(2, a, 3), told(3, c, 7),
                                     told(4, c, std::numeric_limits<double>::infinity())};
  const Observations data = observe(encoder, trials, Direction::minimize);
  EXPECT_EQ(data.values, (std::vector<double>{2, 7, 7}));
  EXPECT_EQ(data.imputed, (std::vector<unsigned char>{0, 1, 0}));
  EXPECT_EQ(data.noise_weights, (std::vector<double>{0.5, 1, 1}));
  EXPECT_EQ(data.successes, 2);
  EXPECT_EQ(data.failed_rows.size(), 4U);
  EXPECT_EQ(first_points(data, 2, 2).values, (std::vector<double>{2, 7}));
  EXPECT_EQ(best_and_latest(data, 2, 2).values, (std::vector<double>{2, 7}));
}

TEST(GpDomain, ListsWhatRemains) {
  Space space;
  space.integer("n", 1, 4);
  space.categorical("c", {"p", "q"});
  space.integer("m", 1, 3).when("c == 'q'");
  const space::Encoder encoder(space);
  const Region region(encoder, {});
  GpDomain domain(region);
  EXPECT_EQ(domain.remaining(100).rows.size() / encoder.dimensions(), 4U + 12U);
  const std::vector<double> all = domain.remaining(100).rows;
  domain.exclude(std::span(all).first(encoder.dimensions()));
  EXPECT_EQ(domain.remaining(100).rows.size() / encoder.dimensions(), 15U);
  EXPECT_FALSE(domain.remaining(10).finite);
}

}  // namespace
}  // namespace warpbo::samplers
