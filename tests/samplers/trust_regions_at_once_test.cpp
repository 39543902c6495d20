// Several trust regions at once (SamplerOptions::trust_regions).
#include "problems/problems.hpp"
#include "samplers/simulated_study.hpp"
#include "samplers/trust_region_sampler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

namespace warpbo::samplers {
namespace {

SamplerOptions options(int regions) {
  SamplerOptions out;
  out.seed = 1;
  out.trust_regions = regions;
  out.device = Device::cpu();
  return out;
}

/// How many of the trials belong to which region.
std::map<std::int64_t, int> parts(const std::vector<Trial>& trials) {
  std::map<std::int64_t, int> out;
  for (const Trial& trial : trials)
    if (const auto label = region_label(trial)) ++out[label->region];
  return out;
}

std::vector<Trial> ask_and_tell(SimulatedStudy& study, Sampler& sampler, const problems::Problem& problem, int count) {
  std::vector<Trial> trials = study.ask(sampler, count);
  for (const Trial& trial : trials) study.tell(trial, problem(trial.parameters));
  return trials;
}

TEST(TrustRegionsAtOnce, ShareABatchEqually) {
  const problems::Problem problem = problems::rastrigin(3);
  SimulatedStudy study(problem.space);
  const auto sampler = make_trust_region_sampler(options(3), TrustRegionRecipe{});
  for (int round = 0; round < 6; ++round) {
    const std::vector<Trial> trials = ask_and_tell(study, *sampler, problem, 10);
    ASSERT_EQ(trials.size(), 10U);
    const std::map<std::int64_t, int> shares = parts(trials);
    EXPECT_EQ(shares.size(), 3U) << "round " << round;
    for (const auto& [region, share] : shares) EXPECT_TRUE(share == 3 || share == 4) << "region " << region;
  }
}

TEST(TrustRegionsAtOnce, TakeTurnsAtSingleTrials) {
  const problems::Problem problem = problems::rastrigin(2);
  SimulatedStudy study(problem.space);
  const auto sampler = make_trust_region_sampler(options(2), TrustRegionRecipe{});
  std::map<std::int64_t, int> turns;
  for (int i = 0; i < 20; ++i)
    for (const auto& [region, share] : parts(ask_and_tell(study, *sampler, problem, 1))) turns[region] += share;
  EXPECT_EQ(turns, (std::map<std::int64_t, int>{{0, 10}, {1, 10}}));
}

// Batches that are smaller than the number of regions, and divide it: nobody is passed over.
TEST(TrustRegionsAtOnce, TakeTurnsAtSmallBatches) {
  const problems::Problem problem = problems::rastrigin(2);
  SimulatedStudy study(problem.space);
  TrustRegionRecipe recipe;
  recipe.exhausted = -1e9;
  recipe.known = 0;
  const auto sampler = make_trust_region_sampler(options(4), recipe);
  std::map<std::int64_t, int> turns;
  for (int i = 0; i < 16; ++i)
    for (const auto& [region, share] : parts(ask_and_tell(study, *sampler, problem, 2))) turns[region % 4] += share;
  EXPECT_EQ(turns, (std::map<std::int64_t, int>{{0, 8}, {1, 8}, {2, 8}, {3, 8}}));
}

// Each region follows its own trials, whichever has the better ones.
TEST(TrustRegionsAtOnce, EachStaysNearItsOwnBest) {
  Space space;
  space.real("x", 0, 1);
  std::vector<Trial> finished;
  for (int i = 0; i < 16; ++i) {
    const std::int64_t region = i % 2;
    const double middle = region == 0 ? 0.2 : 0.8, x = middle + 0.02 * (i / 2 - 3.6);
    Trial trial;
    trial.id = trial.number = i;
    trial.state = TrialState::complete;
    trial.parameters.set("x", x);
    trial.value = 0.01 * static_cast<double>(region) + (x - middle) * (x - middle);
    trial.attributes["warpbo:origin"] = "\"" + region_origin("logei", {region, 0, true}) + "\"";
    finished.push_back(trial);
  }
  TrustRegionRecipe recipe;
  recipe.rules.initial_length = 0.2;
  const auto sampler = make_trust_region_sampler(options(2), recipe);
  const SuggestResult found = sampler->suggest({space, finished, {}, Direction::minimize, 4, {}, finished.size()});
  ASSERT_EQ(found.suggestions.size(), 4U);
  for (const Suggestion& suggestion : found.suggestions) {
    const bool first = suggestion.origin.find("@0.") != std::string::npos;
    EXPECT_NEAR(suggestion.parameters.get<double>("x"), first ? 0.2 : 0.8, 0.15) << suggestion.origin;
  }
}

// A region that has nothing left to gain makes way for a new one, and the other lives on.
TEST(TrustRegionsAtOnce, ARegionThatIsDoneMakesWayForANewOne) {
  const problems::Problem problem = problems::rastrigin(2);
  SimulatedStudy study(problem.space);
  TrustRegionRecipe recipe;
  recipe.rules.min_length = 0.3;
  const auto sampler = make_trust_region_sampler(options(2), recipe);
  std::set<std::int64_t> seen;
  for (int round = 0; round < 25; ++round) {
    const auto again = make_trust_region_sampler(options(2), recipe);
    const SuggestResult expected = again->suggest(study.request(4));
    const std::vector<Trial> trials = ask_and_tell(study, *sampler, problem, 4);
    ASSERT_EQ(trials.size(), 4U);
    for (std::size_t i = 0; i < trials.size(); ++i) EXPECT_EQ(trials[i].parameters, expected.suggestions[i].parameters);
    const std::map<std::int64_t, int> shares = parts(trials);
    ASSERT_EQ(shares.size(), 2U) << "round " << round << ": two regions share every batch";
    for (const auto& [region, share] : shares) seen.insert(region);
  }
  EXPECT_GT(seen.size(), 3U);
}

// A bowl is soon searched through. Whoever is done begins again in its own sequence of numbers; the other goes on.
TEST(TrustRegionsAtOnce, NewRegionsHaveNumbersOfTheirOwn) {
  Space space;
  space.real("x", 0, 1);
  SimulatedStudy study(space);
  const auto sampler = make_trust_region_sampler(options(2), TrustRegionRecipe{});
  std::set<std::int64_t> seen;
  for (int round = 0; round < 30; ++round) {
    const std::vector<Trial> trials = study.ask(*sampler, 2);
    ASSERT_EQ(trials.size(), 2U);
    std::set<std::int64_t> parities;
    for (const auto& [region, share] : parts(trials)) {
      parities.insert(region % 2);
      seen.insert(region);
    }
    EXPECT_EQ(parities.size(), 2U) << "round " << round;
    for (const Trial& trial : trials) study.tell(trial, std::pow(trial.get<double>("x") - 0.4, 2));
  }
  for (const std::int64_t parity : {0, 1})
    EXPECT_GT(std::count_if(seen.begin(), seen.end(), [&](std::int64_t region) { return region % 2 == parity; }), 1);
}

// A region that was given up is not taken up again when a later one collapses.
TEST(TrustRegionsAtOnce, OneRegionFollowsTheOther) {
  const problems::Problem problem = problems::rastrigin(2);
  SimulatedStudy study(problem.space);
  TrustRegionRecipe recipe;
  recipe.rules.min_length = 0.3;
  recipe.exhausted = -3;
  const auto sampler = make_trust_region_sampler(options(1), recipe);
  std::int64_t latest = 0;
  for (int i = 0; i < 120; ++i) {
    const std::map<std::int64_t, int> shares = parts(ask_and_tell(study, *sampler, problem, 1));
    ASSERT_EQ(shares.size(), 1U);
    EXPECT_GE(shares.begin()->first, latest) << "trial " << i;
    latest = shares.begin()->first;
  }
  EXPECT_GE(latest, 4);
}

}  // namespace
}  // namespace warpbo::samplers
