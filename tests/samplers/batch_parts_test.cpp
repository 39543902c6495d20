// What batches are made of.
#include "problems/problems.hpp"
#include "samplers/gp_sampler.hpp"
#include "samplers/simulated_study.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace warpbo::samplers {
namespace {

using Origins = std::map<std::string, int>;

SamplerOptions options_for(AcquisitionFunction acquisition = AcquisitionFunction::expected_improvement) {
  SamplerOptions options;
  options.device = Device::cpu();
  options.kind = SamplerKind::gp;
  options.acquisition = acquisition;
  return options;
}

/// So many results at random points, some of them still awaited.
SimulatedStudy started(const problems::Problem& problem, int observations, int pending = 0) {
  SimulatedStudy study(problem.space);
  SamplerOptions options = options_for();
  options.kind = SamplerKind::random;
  const auto random = make_sampler(options);
  for (const Trial& trial : study.ask(*random, observations)) study.tell(trial, problem(trial.parameters));
  static_cast<void>(study.ask(*random, pending));
  return study;
}

Origins origins_of(const SuggestResult& result) {
  Origins origins;
  for (const Suggestion& suggestion : result.suggestions) ++origins[suggestion.origin];
  return origins;
}

Origins origins_of_a_batch(int observations, int count, const GpRecipe& recipe, const SamplerOptions& options = options_for()) {
  const problems::Problem problem = problems::levy(3);
  SimulatedStudy study = started(problem, observations);
  const auto sampler = make_gp_sampler(options, recipe);
  static_cast<void>(study.ask(*sampler, count));
  return origins_of(study.last());
}

// Joint trials cost passes over the factor: four times as many observations, a sixteenth of them, but never none.
TEST(BatchParts, FewerTrialsAreJointWhereEachCostsMore) {
  GpRecipe recipe;
  recipe.large_joint = 32;
  recipe.large_joint_until = 40;
  EXPECT_EQ(origins_of_a_batch(40, 130, recipe), (Origins{{"gp/qlogei", 32}, {"gp/path", 98}}));
  EXPECT_EQ(origins_of_a_batch(80, 130, recipe), (Origins{{"gp/qlogei", 8}, {"gp/path", 122}}));
  recipe.large_joint_until = 2;
  EXPECT_EQ(origins_of_a_batch(80, 130, recipe), (Origins{{"gp/qlogei", 1}, {"gp/path", 129}}));
}

TEST(BatchParts, AShareMayExplore) {
  GpRecipe recipe;
  recipe.large_exploring = 0.25;
  EXPECT_EQ(origins_of_a_batch(40, 132, recipe), (Origins{{"gp/qlogei", 32}, {"gp/explore", 33}, {"gp/path", 67}}));
  recipe.most_exploring = 10;
  EXPECT_EQ(origins_of_a_batch(40, 132, recipe), (Origins{{"gp/qlogei", 32}, {"gp/explore", 10}, {"gp/path", 90}}));
}

TEST(BatchParts, TheConfidenceBoundIsNamedInLargeBatchesToo) {
  EXPECT_EQ(origins_of_a_batch(40, 130, {}, options_for(AcquisitionFunction::confidence_bound)),
            (Origins{{"gp/ucb", 32}, {"gp/path", 98}}));
}

TEST(PureExploration, TheFirstTrialFollowsTheBoundAndTheOthersExplore) {
  EXPECT_EQ(parse_acquisition("ucb-pe"), AcquisitionFunction::pure_exploration);
  const SamplerOptions options = options_for(AcquisitionFunction::pure_exploration);
  EXPECT_EQ(origins_of_a_batch(30, 1, {}, options), (Origins{{"gp/ucb", 1}}));
  EXPECT_EQ(origins_of_a_batch(30, 6, {}, options), (Origins{{"gp/ucb", 1}, {"gp/explore", 5}}));
  // What they are too many for follows functions of the posterior.
  GpRecipe recipe;
  recipe.most_exploring = 10;
  EXPECT_EQ(origins_of_a_batch(30, 20, recipe, options), (Origins{{"gp/ucb", 1}, {"gp/explore", 10}, {"gp/path", 9}}));
}

// With workers that never stop, something is always pending: the bound's turn comes when its last trial is back.
TEST(PureExploration, OneTrialAtATimeFollowsTheBound) {
  const problems::Problem problem = problems::levy(3);
  SimulatedStudy study = started(problem, 30, 2);
  const auto sampler = make_sampler(options_for(AcquisitionFunction::pure_exploration));
  const auto ask = [&](int count) {
    std::vector<Trial> trials = study.ask(*sampler, count);
    return std::pair(std::move(trials), origins_of(study.last()));
  };
  const auto [first, bound] = ask(1);
  EXPECT_EQ(bound, (Origins{{"gp/ucb", 1}}));
  const auto [others, exploring] = ask(2);
  EXPECT_EQ(exploring, (Origins{{"gp/explore", 2}}));
  for (const Trial& trial : others) study.tell(trial, problem(trial.parameters));
  EXPECT_EQ(ask(3).second, (Origins{{"gp/explore", 3}}));
  study.tell(first.at(0), problem(first.at(0).parameters));
  EXPECT_EQ(ask(3).second, (Origins{{"gp/ucb", 1}, {"gp/explore", 2}}));
}

TEST(PureExploration, AloneItIsTheConfidenceBound) {
  const problems::Problem problem = problems::levy(3);
  SimulatedStudy study = started(problem, 30);
  const auto ask = [&](AcquisitionFunction acquisition) {
    return make_sampler(options_for(acquisition))->suggest(study.request(1)).suggestions.at(0).parameters;
  };
  EXPECT_EQ(ask(AcquisitionFunction::pure_exploration), ask(AcquisitionFunction::confidence_bound));
}

TEST(PureExploration, AFiniteSpaceIsAskedOutAndSaysSo) {
  Space space;
  space.integer("n", 0, 9);
  space.categorical("c", {"a", "b", "c"});
  SimulatedStudy study(space);
  const auto sampler = make_sampler(options_for(AcquisitionFunction::pure_exploration));
  const auto value = [](const Parameters& p) { return p.get<int>("n") * (p.get<std::string>("c") == "b" ? 1.0 : 2.0); };
  for (const Trial& trial : study.ask(*sampler, 10)) study.tell(trial, value(trial.parameters));
  EXPECT_EQ(study.ask(*sampler, 40).size(), 20U);
  EXPECT_TRUE(study.last().exhausted);
  std::set<std::pair<int, std::string>> distinct;
  for (const Suggestion& suggestion : study.last().suggestions)
    distinct.emplace(suggestion.parameters.get<int>("n"), suggestion.parameters.get<std::string>("c"));
  EXPECT_EQ(distinct.size(), 20U);
}

}  // namespace
}  // namespace warpbo::samplers
