// The trust-region strategy as a whole.

#include "samplers/trust_region_sampler.hpp"

#include "problems/problems.hpp"
#include "samplers/automatic.hpp"
#include "samplers/simulated_study.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

namespace warpbo::samplers {
namespace {

SamplerOptions options(std::uint64_t seed = 1) {
  SamplerOptions out;
  out.kind = SamplerKind::trust_region;
  out.seed = seed;
  out.device = Device::cpu();
  return out;
}

std::optional<RegionLabel> label(const SimulatedStudy& study) {
  return region_label(study.finished().empty() ? study.pending().back() : study.finished().back());
}

/// Asks and tells once; the label of what was proposed.
RegionLabel step(SimulatedStudy& study, Sampler& sampler, const std::function<double(const Parameters&)>& function) {
  for (const Trial& trial : study.ask(sampler)) study.tell(trial, function(trial.parameters));
  const auto found = label(study);
  EXPECT_TRUE(found);
  return found.value_or(RegionLabel{});
}

// On a slope towards a corner nothing but the box keeps proposals from going there at once.
TEST(TrustRegionSampler, ProposalsStayInTheBox) {
  Space space;
  for (const char* name : {"a", "b"}) space.real(name, 0, 1);
  SimulatedStudy study(space);
  TrustRegionRecipe recipe;
  recipe.rules.initial_length = 0.1;
  const auto sampler = make_trust_region_sampler(options(), recipe);
  double best_a = 0, best = INFINITY;
  for (int i = 0; i < 9; ++i) {
    const RegionLabel found =
        step(study, *sampler, [](const Parameters& p) { return -p.get<double>("a") - p.get<double>("b"); });
    const Trial& trial = study.finished().back();
    // Half of 0.1 or, after successes, of 0.2, times the ratio of a lengthscale to the geometric mean, at most e^2.
    const double reach = found.design ? 1 : 0.1 * std::exp(2.0);
    EXPECT_LE(std::fabs(trial.get<double>("a") - best_a), reach + 1e-9);
    if (*trial.value < best) best = *trial.value, best_a = trial.get<double>("a");
  }
}

// The history is all there is: whoever continues proposes the same, through shrinking, collapse and a new region.
TEST(TrustRegionSampler, AFreshProcessContinuesThroughCollapseAndRestart) {
  const problems::Problem problem = problems::rastrigin(2);
  SimulatedStudy study(problem.space);
  TrustRegionRecipe recipe;
  recipe.rules.min_length = 0.3;
  const auto old = make_trust_region_sampler(options(), recipe);
  std::set<std::int64_t> regions;
  for (int i = 0; i < 40; ++i) {
    const auto fresh = make_trust_region_sampler(options(), recipe);
    const SuggestResult expected = fresh->suggest(study.request(1));
    regions.insert(step(study, *old, [&](const Parameters& p) { return problem(p); }).region);
    ASSERT_EQ(study.finished().back().parameters, expected.suggestions.front().parameters) << i;
    ASSERT_EQ(study.last().suggestions.front().origin, expected.suggestions.front().origin) << i;
  }
  EXPECT_GE(regions.size(), 2u);
}

TEST(TrustRegionSampler, NothingLeftToGainBeginsTheNextRegion) {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 1);
  SimulatedStudy study(space);
  const auto sampler = make_trust_region_sampler(options(), TrustRegionRecipe{});
  const auto bowl = [](const Parameters& p) {
    return std::pow(p.get<double>("x") - 0.3, 2) + std::pow(p.get<double>("y") - 0.6, 2);
  };
  std::int64_t last = 0, asks = 0;
  while (last == 0 && asks < 60) {
    last = step(study, *sampler, bowl).region;
    ++asks;
  }
  EXPECT_EQ(last, 1);
  EXPECT_LT(study.best(), 1e-5);
}

// A study that another strategy began: its best point is where the region is.
TEST(TrustRegionSampler, GoesOnFromAForeignHistory) {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 1);
  SimulatedStudy study(space);
  SamplerOptions random = options();
  random.kind = SamplerKind::random;
  const auto other = make_sampler(random);
  for (int i = 0; i < 20; ++i)
    for (const Trial& trial : study.ask(*other)) study.tell(trial, trial.get<double>("x"));
  TrustRegionRecipe recipe;
  recipe.rules.initial_length = 0.2;
  const auto sampler = make_trust_region_sampler(options(), recipe);
  const auto trials = study.ask(*sampler);
  const auto best = std::ranges::min_element(study.finished(), {}, [](const Trial& trial) { return *trial.value; });
  EXPECT_LE(std::fabs(trials[0].get<double>("x") - best->get<double>("x")), 0.1 * std::exp(2.0));
  EXPECT_EQ(region_label(trials[0])->region, 0);
  EXPECT_FALSE(region_label(trials[0])->design);
}

TEST(TrustRegionSampler, ABatchIsJointAndLabelledAsOne) {
  const problems::Problem problem = problems::ackley(4);
  for (const int count : {4, 40}) {
    SimulatedStudy study(problem.space);
    const auto sampler = make_trust_region_sampler(options(), TrustRegionRecipe{});
    static_cast<void>(study.run(
        *sampler, [&](const Parameters& p) { return problem(p); }, 2 * count, count));
    std::set<std::string> points;
    for (const Trial& trial : study.ask(*sampler, count)) {
      EXPECT_EQ(region_label(trial)->batch, static_cast<std::uint64_t>(2 * count));
      std::string text;
      for (const auto& [name, value] : trial.parameters) text += to_string(value) + " ";
      EXPECT_TRUE(points.insert(text).second);
    }
    EXPECT_EQ(std::ssize(points), count);
  }
}

// What is too far away or too much for the model is left out of it, and the record says so.
TEST(TrustRegionSampler, WhatTheModelLeavesOutIsSaid) {
  const problems::Problem problem = problems::ackley(2);
  SimulatedStudy study(problem.space);
  SamplerOptions random = options();
  random.kind = SamplerKind::random;
  const auto other = make_sampler(random);
  for (int i = 0; i < 30; ++i)
    for (const Trial& trial : study.ask(*other)) study.tell(trial, problem(trial.parameters));
  TrustRegionRecipe recipe;
  recipe.most_data = 30;
  recipe.modelled_pending = 2;
  static_cast<void>(study.ask(*make_trust_region_sampler(options(), recipe)));
  EXPECT_TRUE(study.last().degraded.empty()) << "all of them have room";
  EXPECT_EQ(study.last().model.observations, 30);
  study.tell(study.pending().front(), problem(study.pending().front().parameters));
  recipe.most_data = 15;
  const auto sampler = make_trust_region_sampler(options(), recipe);
  static_cast<void>(study.ask(*sampler, 2));
  EXPECT_EQ(study.last().model.observations, 15);
  ASSERT_EQ(study.last().degraded.size(), 1u);
  EXPECT_EQ(study.last().degraded[0], "a trust region's model knows only the 15 trials nearest to its best");
  static_cast<void>(study.ask(*sampler));
  ASSERT_EQ(study.last().degraded.size(), 1u) << "two pending trials are not too many";
  static_cast<void>(study.ask(*sampler));
  ASSERT_EQ(study.last().degraded.size(), 2u);
  EXPECT_EQ(study.last().degraded[1], "a trust region models only the 2 pending trials nearest to its best");
}

TEST(TrustRegionSampler, NoisyObjectiveMaximized) {
  Space space;
  space.real("x", 0, 1);
  space.categorical("c", {"a", "b"});
  SimulatedStudy study(space, Direction::maximize);
  SamplerOptions noisy = options();
  noisy.noise = Noise::noisy;
  const auto sampler = make_trust_region_sampler(noisy, TrustRegionRecipe{});
  for (int i = 0; i < 30; ++i) {
    for (const Trial& trial : study.ask(*sampler)) {
      const double noise = 0.1 * (static_cast<double>(i * 7919 % 13) / 13 - 0.5);
      const double x = trial.get<double>("x");
      study.tell(trial, (trial.get<std::string>("c") == "b" ? 1 : 0) - (x - 0.4) * (x - 0.4) + noise);
    }
  }
  // By chance four of ten would do.
  int good = 0;
  for (std::size_t i = 20; i < 30; ++i)
    good +=
        study.finished()[i].get<std::string>("c") == "b" && std::fabs(study.finished()[i].get<double>("x") - 0.4) < 0.4 ? 1 : 0;
  EXPECT_GE(good, 6);
}

// A bowl is soon searched through; then a search of its own begins, and what it finds is known to the global model.
TEST(AutomaticSampler, ASearchThatExpectsNothingMoreBeginsAfresh) {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 1);
  SimulatedStudy study(space);
  const auto sampler = make_automatic_sampler(options(), AutomaticRecipe{});
  bool fresh = false;
  for (int i = 0; i < 60 && !fresh; ++i) {
    for (const Trial& trial : study.ask(*sampler))
      study.tell(trial, std::pow(trial.get<double>("x") - 0.3, 2) + std::pow(trial.get<double>("y") - 0.6, 2));
    const auto found = label(study);
    fresh = found && found->region == 1;
  }
  EXPECT_TRUE(fresh);
  EXPECT_GE(study.finished().size(), 20u);
  EXPECT_LT(study.best(), 1e-4);
}

std::ptrdiff_t local_trials(const SimulatedStudy& study) {
  return std::ranges::count_if(study.finished(), [](const Trial& trial) { return region_label(trial).has_value(); });
}

// A model that predicts badly gives three of four trials away, half of a small batch, once there is enough to judge it by.
TEST(AutomaticSampler, ATrustRegionTakesOverWhereTheModelPredictsBadly) {
  const problems::Problem problem = problems::rastrigin(4);
  AutomaticRecipe recipe;
  recipe.poor_prediction = 2;  // no model is good enough: whose turn it is depends on the trial's number alone
  recipe.additive_share = recipe.additive_turns = 0;
  for (const int batch : {1, 8}) {
    SimulatedStudy study(problem.space);
    const auto sampler = make_automatic_sampler(options(), recipe);
    static_cast<void>(study.run(
        *sampler, [&](const Parameters& p) { return problem(p); }, 64, batch));
    // Of the 44 trials after the first twenty, and of the five batches after the first three.
    EXPECT_EQ(local_trials(study), batch == 1 ? 33 : 20) << batch;
  }
}

// Ripples that look like noise are such a case; in a bowl a trust region gets every third trial.
TEST(AutomaticSampler, RipplesSendItToATrustRegion) {
  const problems::Problem rippled = problems::rastrigin(4);
  const auto bowl = [](const Parameters& parameters) {
    double sum = 0;
    for (const auto& [name, value] : parameters) sum += std::pow(std::get<double>(value) - 1, 2);
    return sum;
  };
  for (const bool ripples : {true, false}) {
    SimulatedStudy study(rippled.space);
    const auto sampler = make_automatic_sampler(options(), AutomaticRecipe{});
    static_cast<void>(study.run(
        *sampler, [&](const Parameters& p) { return ripples ? rippled(p) : bowl(p); }, 30, 1));
    // Of ten trials after the first twenty: eight if the model looks bad from then on, four if it never does.
    EXPECT_EQ(local_trials(study) > 4, ripples) << local_trials(study);
  }
}

TEST(AutomaticSampler, ANamedAcquisitionIsMaximizedWhateverTheModelSays) {
  const problems::Problem problem = problems::rastrigin(4);
  for (const AcquisitionFunction acquisition :
       {AcquisitionFunction::confidence_bound, AcquisitionFunction::thompson, AcquisitionFunction::pure_exploration}) {
    SamplerOptions named = options();
    named.acquisition = acquisition;
    SimulatedStudy study(problem.space);
    const auto sampler = make_automatic_sampler(named, AutomaticRecipe{});
    static_cast<void>(study.run(
        *sampler, [&](const Parameters& p) { return problem(p); }, 64, 16));
    EXPECT_EQ(local_trials(study), 0);
  }
}

// Batches have a global and a local part, even where the model predicts well.
TEST(AutomaticSampler, BatchesAreSplit) {
  const problems::Problem problem = problems::hartmann3();
  SimulatedStudy study(problem.space);
  const auto sampler = make_automatic_sampler(options(), AutomaticRecipe{});
  static_cast<void>(study.run(
      *sampler, [&](const Parameters& p) { return problem(p); }, 60, 20));
  EXPECT_EQ(local_trials(study), 24);  // all but eight of 20, after a first batch that is a design
  std::set<std::string> points;
  for (const Trial& trial : study.finished()) {
    std::string point;
    for (const auto& [name, value] : trial.parameters) point += to_string(value) + " ";
    points.insert(std::move(point));
  }
  EXPECT_EQ(points.size(), 60u);
}

}  // namespace
}  // namespace warpbo::samplers
