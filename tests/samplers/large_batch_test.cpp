// What a large batch is made of.
#include "problems/problems.hpp"
#include "samplers/gp_sampler.hpp"
#include "samplers/simulated_study.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace warpbo::samplers {
namespace {

std::map<std::string, int> origins_of_a_batch(int observations, int count, const GpRecipe& recipe) {
  const problems::Problem problem = problems::levy(3);
  SimulatedStudy study(problem.space);
  SamplerOptions options;
  options.device = Device::cpu();
  options.kind = SamplerKind::random;
  const auto random = make_sampler(options);
  for (const Trial& trial : study.ask(*random, observations)) study.tell(trial, problem(trial.parameters));
  options.kind = SamplerKind::gp;
  const auto sampler = make_gp_sampler(options, recipe);
  std::map<std::string, int> origins;
  static_cast<void>(study.ask(*sampler, count));
  for (const Suggestion& suggestion : study.last().suggestions) ++origins[suggestion.origin];
  return origins;
}

// Joint trials cost passes over the factor: four times as many observations, a sixteenth of them, but never none.
TEST(LargeBatch, FewerTrialsAreJointWhereEachCostsMore) {
  GpRecipe recipe;
  recipe.large_joint = 32;
  recipe.large_joint_until = 40;
  using Origins = std::map<std::string, int>;
  EXPECT_EQ(origins_of_a_batch(40, 130, recipe), (Origins{{"gp/qlogei", 32}, {"gp/path", 98}}));
  EXPECT_EQ(origins_of_a_batch(80, 130, recipe), (Origins{{"gp/qlogei", 8}, {"gp/path", 122}}));
  recipe.large_joint_until = 2;
  EXPECT_EQ(origins_of_a_batch(80, 130, recipe), (Origins{{"gp/qlogei", 1}, {"gp/path", 129}}));
}

}  // namespace
}  // namespace warpbo::samplers
