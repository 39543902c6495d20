// What the strategies do where noise is declared.
#include "samplers/builtin.hpp"
#include "samplers/gp_sampler.hpp"
#include "samplers/simulated_study.hpp"
#include "samplers/trust_region_sampler.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace warpbo::samplers {
namespace {

SamplerOptions options(Noise noise) {
  SamplerOptions out;
  out.noise = noise;
  out.device = Device::cpu();
  return out;
}

/// A bowl with noise that the trial's number gives.
double noisy_bowl(const Trial& trial) {
  const double x = trial.get<double>("x");
  return (x - 0.4) * (x - 0.4) + 0.2 * static_cast<double>(trial.number * 7919 % 13) / 13;
}

/// 40 trials; the different values of x among them.
std::set<double> values_seen(const Space& space, Sampler& sampler) {
  SimulatedStudy study(space);
  while (study.finished().size() < 40)
    for (const Trial& trial : study.ask(sampler)) study.tell(trial, noisy_bowl(trial));
  std::set<double> seen;
  for (const Trial& trial : study.finished()) seen.insert(trial.get<double>("x"));
  return seen;
}

// Beside a noisy trial there is always another one that tells as much, and about the slope too.
TEST(DeclaredNoise, AContinuousSpaceIsNeverAskedTwiceForAPoint) {
  Space space;
  space.real("x", 0, 1);
  EXPECT_EQ(values_seen(space, *make_gp_sampler(options(Noise::noisy), GpRecipe{}, backend::open_backend)).size(), 40U);
  EXPECT_EQ(values_seen(space, *make_trust_region_sampler(options(Noise::noisy), TrustRegionRecipe{})).size(), 40U);
}

TEST(DeclaredNoise, AFiniteSpaceRepeatsItsBestPoints) {
  Space space;
  space.real("x", 0, 1).step(0.1);
  const std::set<double> seen = values_seen(space, *make_gp_sampler(options(Noise::noisy), GpRecipe{}, backend::open_backend));
  EXPECT_LE(seen.size(), 11U);
  EXPECT_GE(seen.size(), 3U);
}

/// The origins of a trust region's model-based proposals.
std::set<std::string> region_origins(Noise noise) {
  Space space;
  space.real("x", 0, 1);
  SimulatedStudy study(space);
  const auto sampler = make_trust_region_sampler(options(noise), TrustRegionRecipe{});
  std::set<std::string> origins;
  for (int i = 0; i < 20; ++i) {
    for (const Trial& trial : study.ask(*sampler)) study.tell(trial, noisy_bowl(trial));
    const std::string& last = study.finished().back().attributes.at("warpbo:origin");
    for (const char* how : {"design", "logei", "ucb"})
      if (last.find(how) != std::string::npos) origins.insert(how);
  }
  return origins;
}

TEST(DeclaredNoise, ATrustRegionMinimizesTheBoundInsteadOfAskingAtItsCentre) {
  EXPECT_TRUE(region_origins(Noise::noisy).contains("ucb"));
  EXPECT_FALSE(region_origins(Noise::noisy).contains("logei"));
  EXPECT_TRUE(region_origins(Noise::infer).contains("logei"));
  EXPECT_FALSE(region_origins(Noise::infer).contains("ucb"));
}

}  // namespace
}  // namespace warpbo::samplers
