// Proposals from a sum of main effects: in the space, new, where the sum is least, and only where the sum predicts better.

#include "samplers/main_effects.hpp"

#include "gp/additive.hpp"
#include "gp/warp.hpp"
#include "math/philox.hpp"
#include "problems/problems.hpp"
#include "samplers/automatic.hpp"
#include "samplers/simulated_study.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace warpbo::samplers {
namespace {

SamplerOptions options() {
  SamplerOptions out;
  out.seed = 1;
  out.device = Device::cpu();
  return out;
}

using Function = std::function<double(const Parameters&)>;

/// A study with `trials` random trials.
SimulatedStudy study_of(const Space& space, const Function& function, int trials) {
  SimulatedStudy study(space);
  study.run(*make_random_sampler(options()), function, trials);
  return study;
}

Space mixed_space() {
  Space space;
  space.real("x", -5, 10);
  space.integer("n", 1, 60);
  space.real("rate", 1e-4, 1).log();
  space.categorical("kind", {"a", "b", "c"});
  return space;
}

double mixed_sum(const Parameters& p) {
  const std::string kind = p.get<std::string>("kind");
  const double n = static_cast<double>(p.get<std::int64_t>("n"));
  return std::fabs(p.get<double>("x") - 3) + std::sin(n) * 2 + std::fabs(n - 40) / 20 +
         std::pow(std::log10(p.get<double>("rate")) + 2, 2) + (kind == "b" ? 0 : 1.5);
}

TEST(MainEffects, FindsTheBestOfAMixedSpaceAndProposesNothingTwice) {
  const SimulatedStudy study = study_of(mixed_space(), mixed_sum, 120);
  MainEffects arm(options(), {});
  const std::vector<Suggestion> found = arm.suggest(study.request(20), 0.5, {});
  ASSERT_GT(found.size(), 5u);
  std::vector<Parameters> seen;
  for (const Trial& trial : study.finished()) seen.push_back(trial.parameters);
  double least = INFINITY;
  for (const Suggestion& suggestion : found) {
    EXPECT_EQ(mixed_space().check(suggestion.parameters), std::nullopt);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), suggestion.parameters), 0);
    seen.push_back(suggestion.parameters);
    EXPECT_EQ(suggestion.origin, "additive/minimum");
    least = std::min(least, mixed_sum(suggestion.parameters));
  }
  EXPECT_LT(least, study.best());
}

// Where the minimum is known, functions drawn from the posterior agree on it: nothing known is proposed again, unless the
// objective is noisy.
TEST(MainEffects, WhatIsKnownIsProposedOnlyWhereTrialsDiffer) {
  Space space;
  for (const char* name : {"a", "b"}) space.integer(name, 0, 9);
  const auto sum = [](const Parameters& p) { return std::pow(p.get<int>("a") - 4, 2) + std::pow(p.get<int>("b") - 6, 2); };
  SimulatedStudy study = study_of(space, sum, 40);
  Parameters best;
  best.set("a", 4);
  best.set("b", 6);
  for (const Trial& trial : study.ask(*make_random_sampler(options()), 1, best)) study.tell(trial, 0);
  SamplerOptions noisy = options();
  noisy.noise = Noise::noisy;
  const auto known = [&](const Suggestion& suggestion) {
    return std::any_of(study.finished().begin(), study.finished().end(),
                       [&](const Trial& trial) { return trial.parameters == suggestion.parameters; });
  };
  const auto found = MainEffects(options(), {}).suggest(study.request(12), 0.5, {});
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_FALSE(known(found[i]));
    for (std::size_t k = 0; k < i; ++k) EXPECT_NE(found[i].parameters, found[k].parameters);
  }
  const auto again = MainEffects(noisy, {}).suggest(study.request(12), 0.5, {});
  EXPECT_EQ(std::count_if(again.begin(), again.end(), [&](const Suggestion& s) { return s.parameters == best; }), 1);
}

TEST(MainEffects, TheSameRequestGetsTheSameAnswer) {
  const SimulatedStudy study = study_of(mixed_space(), mixed_sum, 60);
  MainEffects one(options(), {}), other(options(), {});
  for (const int count : {1, 7}) {
    const auto a = one.suggest(study.request(count), -1, {}), b = other.suggest(study.request(count), -1, {});
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].parameters, b[i].parameters);
  }
}

// What two parameters do together is not for it.
TEST(MainEffects, LeavesInteractionsToOthers) {
  Space space;
  for (const char* name : {"x", "y"}) space.real(name, -1, 1);
  const SimulatedStudy study = study_of(
      space, [](const Parameters& p) { return p.get<double>("x") * p.get<double>("y"); }, 60);
  MainEffects arm(options(), {});
  EXPECT_TRUE(arm.suggest(study.request(5), 0.9, {}).empty());
  EXPECT_TRUE(arm.suggest(study.request(5), -1, {}).empty()) << "what explains less than half is not believed";
}

TEST(MainEffects, YieldsToABetterModelAndToTime) {
  const SimulatedStudy study = study_of(mixed_space(), mixed_sum, 150);
  MainEffects arm(options(), {});
  EXPECT_TRUE(arm.suggest(study.request(5), 1, {}).empty());
  EXPECT_TRUE(arm.suggest(study.request(5), 0.5, Deadline(1e-4)).empty());
}

/// Leave-one-out R2 of an additive model of the study, its predictions seen through a map.
double r2_through(const gp::Warp& warp, const SimulatedStudy& study, const Space& space) {
  const space::Encoder encoder(space);
  const Observations data = observe(encoder, study.finished(), Direction::minimize);
  gp::AdditiveColumn column{false, true, {}};
  for (int p = 0; p < 33; ++p) column.places.push_back(p / 32.0);
  auto model = gp::AdditiveModel::fit(backend::make_cpu_backend(), std::vector(encoder.dimensions(), column), {}, data.rows,
                                      data.values);
  model->refine();
  const std::vector<double> seen = gp::warp_like(data.values, warp, data.values),
                            predicted = gp::warp_like(data.values, warp, model->leave_one_out());
  double residual = 0, total = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    residual += std::pow(seen[i] - predicted[i], 2);
    total += seen[i] * seen[i];  // their mean is zero
  }
  return 1 - residual / total;
}

// Rosenbrock's fourth powers are a sum, its valley is not: bad values are predicted, good ones are not, and the logarithm
// shows.
TEST(MainEffects, WhoPredictsOnlyBadValuesIsNotBelieved) {
  const problems::Problem problem = problems::rosenbrock(4);
  const SimulatedStudy study = study_of(
      problem.space, [&](const Parameters& p) { return problem(p); }, 120);
  const double bad = r2_through({gp::Warp::Kind::compressed}, study, problem.space),
               good = r2_through({gp::Warp::Kind::logarithm}, study, problem.space);
  ASSERT_GT(bad, good + 0.004);
  const auto proposals = [&](double other_r2) {
    return MainEffects(options(), {}).suggest(study.request(4), other_r2, {}).size();
  };
  EXPECT_EQ(proposals((bad + good) / 2), 0U);
  EXPECT_GT(proposals(good - 0.01), 0U);
}

// Levy's function is a sum whose terms are flat at neither end: more observations than features buy polynomials, and these the
// minimum. With two of them the regret is a thousand times as large.
TEST(MainEffects, ManyObservationsBringTheMinimumNearer) {
  const problems::Problem problem = problems::levy(4);
  const auto regret = [&](MainEffectsRecipe recipe) {
    const SimulatedStudy study = study_of(
        problem.space, [&](const Parameters& p) { return problem(p); }, 250);
    double least = INFINITY;
    for (const Suggestion& suggestion : MainEffects(options(), recipe).suggest(study.request(20), 0.5, {}))
      least = std::min(least, problem(suggestion.parameters) - problem.optimum);
    return least;
  };
  MainEffectsRecipe two;
  two.polynomials = 2;
  const double with_two = regret(two), with_many = regret({});
  EXPECT_LT(with_many, with_two / 100) << with_two;
  EXPECT_LT(with_many, 1e-4);
}

TEST(MainEffects, FixedValuesStayAndConstraintsHold) {
  Space space;
  for (const char* name : {"x", "y", "z"}) space.real(name, 0, 1);
  space.constrain("x + y <= 0.8");
  const auto sum = [](const Parameters& p) { return -p.get<double>("x") - p.get<double>("y") + p.get<double>("z"); };
  const SimulatedStudy study = study_of(space, sum, 40);
  MainEffects arm(options(), {});
  const auto anywhere = arm.suggest(study.request(10), 0, {});
  EXPECT_FALSE(anywhere.empty());
  for (const Suggestion& suggestion : anywhere)
    EXPECT_LE(suggestion.parameters.get<double>("x") + suggestion.parameters.get<double>("y"), 0.8 + 1e-9);
  Parameters fixed;
  fixed.set("x", 0.25);
  const auto found = arm.suggest(study.request(3, fixed), 0, {});
  EXPECT_FALSE(found.empty());
  for (const Suggestion& suggestion : found) EXPECT_EQ(suggestion.parameters.get<double>("x"), 0.25);
}

TEST(MainEffects, FlatAndHugeValues) {
  Space space;
  for (const char* name : {"x", "y"}) space.real(name, 0, 1);
  MainEffects arm(options(), {});
  EXPECT_TRUE(arm.suggest(study_of(
                              space, [](const Parameters&) { return 3.0; }, 30)
                              .request(4),
                          0.2, {})
                  .empty());
  const auto huge = [](const Parameters& p) { return 1e300 * (p.get<double>("x") - 0.5 * p.get<double>("y")); };
  for (const Suggestion& suggestion : arm.suggest(study_of(space, huge, 30).request(4), 0.2, {}))
    EXPECT_TRUE(std::isfinite(suggestion.parameters.get<double>("x")));
}

// As the model of the whole space is asked only where something succeeded, but this can be asked alone.
TEST(MainEffects, NothingSucceededOrNothingIsThere) {
  SimulatedStudy study(mixed_space());
  MainEffects arm(options(), {});
  EXPECT_TRUE(arm.suggest(study.request(4), -1, {}).empty());
  for (int i = 0; i < 25; ++i)
    for (const Trial& trial : study.ask(*make_random_sampler(options()))) study.fail(trial);
  EXPECT_TRUE(arm.suggest(study.request(4), -1, {}).empty());
}

TEST(MainEffects, ManyParametersAreNotTried) {
  Space space;
  for (int i = 0; i < 100; ++i) space.real("x" + std::to_string(i), 0, 1);
  const SimulatedStudy study = study_of(
      space, [](const Parameters& p) { return p.get<double>("x0"); }, 30);
  MainEffects arm(options(), {});
  EXPECT_TRUE(arm.suggest(study.request(3), -1, {}).empty());
}

TEST(MainEffects, WhatTheyProposedIsComparedWithWhatOthersDid) {
  const Space space = mixed_space();
  std::vector<Trial> finished;
  const auto add = [&](bool own, std::optional<double> value) {
    Trial trial;
    trial.number = std::ssize(finished);
    trial.state = value ? TrialState::complete : TrialState::failed;
    trial.value = value;
    if (own) trial.attributes["warpbo:origin"] = "\"additive/minimum\"";
    finished.push_back(trial);
  };
  const auto beaten = [&](std::size_t latest, Direction direction = Direction::minimize) {
    return main_effects_beaten({space, finished, {}, direction, 1, {}, finished.size()}, latest);
  };
  add(false, 1);
  add(true, 5);
  add(true, std::nullopt);
  add(false, 6);
  EXPECT_FALSE(beaten(2)) << "the 1 came before";
  EXPECT_FALSE(beaten(3)) << "too few to judge";
  EXPECT_TRUE(beaten(1)) << "a failure against 6";
  EXPECT_TRUE(beaten(2, Direction::maximize));
  add(false, 4);
  EXPECT_TRUE(beaten(2));
  add(true, 2);
  EXPECT_FALSE(beaten(2));
}

TEST(MainEffects, WhereTheyWereBeatenTheyMakeAnEighth) {
  const problems::Problem problem = problems::rastrigin(5);
  const SimulatedStudy study = study_of(
      problem.space, [&](const Parameters& p) { return problem(p); }, 120);
  std::vector<Trial> finished = study.finished();
  const auto worse = [](const Trial& a, const Trial& b) { return *a.value > *b.value; };
  std::stable_sort(finished.begin(), finished.end(), worse);  // the best come last
  for (std::size_t i = 0; i < finished.size(); ++i) finished[i].number = static_cast<std::int64_t>(i);
  for (const bool beaten : {false, true}) {
    std::vector<Trial> labelled = finished;
    for (std::size_t i = 0; i < 8; ++i)
      labelled[labelled.size() - 1 - i - (beaten ? 8 : 0)].attributes["warpbo:origin"] = "\"additive/minimum\"";
    const auto sampler = make_automatic_sampler(options(), AutomaticRecipe{});
    const SuggestResult result = sampler->suggest({problem.space, labelled, {}, Direction::minimize, 16, {}, 120});
    const auto additive = std::count_if(result.suggestions.begin(), result.suggestions.end(),
                                        [](const Suggestion& s) { return s.origin == "additive/minimum"; });
    EXPECT_EQ(additive == 1, beaten) << additive;
    EXPECT_GE(additive, 1);
    EXPECT_EQ(result.suggestions.size(), 16u);
  }
}

// As a part of `auto`: ripples that the model of the whole space takes for noise.
TEST(MainEffects, AutoLetsThemMakeHalfOfABatchAndTurnsOfSingleTrials) {
  const problems::Problem problem = problems::rastrigin(5);
  for (const int batch : {1, 16}) {
    SimulatedStudy study(problem.space);
    SamplerOptions sampler_options = options();
    sampler_options.initial_trials = 48;
    const auto sampler = make_automatic_sampler(sampler_options, AutomaticRecipe{});
    study.run(
        *sampler, [&](const Parameters& p) { return problem(p); }, 80, batch);
    int additive = 0;
    for (std::size_t i = 48; i < study.finished().size(); ++i) {
      const auto origin = study.finished()[i].attributes.find("warpbo:origin");
      additive +=
          origin != study.finished()[i].attributes.end() && origin->second.find("additive/") != std::string::npos ? 1 : 0;
    }
    EXPECT_GE(additive, batch == 1 ? 3 : 8) << batch;
    EXPECT_LE(additive, batch == 1 ? 11 : 16) << batch;
    EXPECT_EQ(study.finished().size(), 80u);
  }
}

}  // namespace
}  // namespace warpbo::samplers
