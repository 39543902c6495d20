// Random, Sobol' and grid samplers: what is particular to each.

#include "samplers/builtin.hpp"
#include "samplers/simulated_study.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace warpbo::samplers {
namespace {

SamplerOptions options(SamplerKind kind, std::uint64_t seed = 3) {
  SamplerOptions result;
  result.kind = kind;
  result.seed = seed;
  return result;
}

TEST(RandomSampler, IsUniformInTheEncodedSpace) {
  Space space;
  space.real("lr", 1e-4, 1e-2).log();
  space.categorical("c", {"a", "b", "d"});
  SimulatedStudy study(space);
  constexpr int kCount = 3000;
  int below = 0;
  std::map<std::string, int> categories;
  for (const Trial& trial : study.ask(*make_random_sampler(options(SamplerKind::random)), kCount)) {
    below += trial.get<double>("lr") < 1e-3 ? 1 : 0;
    ++categories[trial.get<std::string>("c")];
  }
  EXPECT_NEAR(below, kCount / 2, 5 * std::sqrt(kCount / 4.0));
  for (const auto& [name, count] : categories) EXPECT_NEAR(count, kCount / 3, 5 * std::sqrt(kCount * 2 / 9.0)) << name;
}

TEST(SobolSampler, ContinuesOneSequence) {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 1);
  SimulatedStudy whole(space), parts(space);
  const auto sampler = make_sobol_sampler(options(SamplerKind::sobol));
  const auto all = whole.ask(*sampler, 16);
  std::vector<Trial> joined;
  for (const int count : {1, 5, 10}) {
    for (const Trial& trial : parts.ask(*sampler, count)) joined.push_back(trial);
  }
  ASSERT_EQ(joined.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(joined[i].parameters, all[i].parameters);
}

TEST(SobolSampler, SixteenPointsHitEverySixteenth) {
  Space space;
  space.real("x", 0, 16);
  space.real("lr", 1, 65536).log();
  space.categorical("c", {"a", "b", "c", "d"});
  space.integer("n", 1, 8);
  SimulatedStudy study(space);
  std::set<int> x, lr;
  std::map<std::string, int> c;
  std::map<std::int64_t, int> n;
  for (const Trial& trial : study.ask(*make_sobol_sampler(options(SamplerKind::sobol)), 16)) {
    x.insert(static_cast<int>(trial.get<double>("x")));
    lr.insert(static_cast<int>(std::log2(trial.get<double>("lr"))));
    ++c[trial.get<std::string>("c")];
    ++n[trial.get<std::int64_t>("n")];
  }
  EXPECT_EQ(x.size(), 16u);
  EXPECT_EQ(lr.size(), 16u);
  for (const auto& [name, count] : c) EXPECT_EQ(count, 4) << name;
  EXPECT_EQ(n.size(), 8u);
  for (const auto& [value, count] : n) EXPECT_EQ(count, 2) << value;
}

TEST(GridSampler, GoesInTheDocumentedOrder) {
  Space space;
  space.categorical("opt", {"sgd", "adam"});
  space.real("momentum", 0, 1).when("opt == 'sgd'");
  space.integer("n", 1, 2);
  SamplerOptions grid = options(SamplerKind::grid);
  grid.grid_points = 3;
  SimulatedStudy study(space);
  std::vector<std::string> order;
  for (const Trial& trial : study.ask(*make_grid_sampler(grid), 100)) {
    std::string words;
    for (const auto& [name, value] : trial.parameters) words += (words.empty() ? "" : " ") + to_string(value);
    order.push_back(words);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"sgd 0 1", "sgd 0 2", "sgd 0.5 1", "sgd 0.5 2", "sgd 1 1", "sgd 1 2", "adam 1",
                                             "adam 2"}));
  EXPECT_TRUE(study.last().exhausted);
}

TEST(GridSampler, OneGridPointIsTheMiddleAndTheEndsAreTheBounds) {
  Space space;
  space.real("lr", 1e-4, 1).log();
  SamplerOptions grid = options(SamplerKind::grid);
  grid.grid_points = 1;
  SimulatedStudy one(space);
  const auto middle = one.ask(*make_grid_sampler(grid), 5);
  ASSERT_EQ(middle.size(), 1u);
  EXPECT_NEAR(middle[0].get<double>("lr"), 1e-2, 1e-15);
  grid.grid_points = 5;
  SimulatedStudy five(space);
  const auto all = five.ask(*make_grid_sampler(grid), 5);
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0].get<double>("lr"), 1e-4);
  EXPECT_NEAR(all[1].get<double>("lr"), 1e-3, 1e-17);
  EXPECT_EQ(all[4].get<double>("lr"), 1.0);
}

TEST(GridSampler, NoisyObjectiveGoesRoundAndRound) {
  Space space;
  space.integer("n", 1, 3);
  SamplerOptions grid = options(SamplerKind::grid);
  grid.noise = Noise::noisy;
  SimulatedStudy study(space);
  const auto sampler = make_grid_sampler(grid);
  std::vector<std::int64_t> order;
  for (int i = 0; i < 4; ++i) {
    for (const Trial& trial : study.ask(*sampler, 2)) order.push_back(trial.get<std::int64_t>("n"));
    for (const Trial& trial : std::vector<Trial>(study.pending())) study.tell(trial, 0);
  }
  EXPECT_EQ(order, (std::vector<std::int64_t>{1, 2, 3, 1, 2, 3, 1, 2}));
}

TEST(GridSampler, HugeGridBeginsAtOnce) {
  Space space;
  for (int i = 0; i < 40; ++i) space.real("x" + std::to_string(i), 0, 1);
  SimulatedStudy study(space);
  EXPECT_EQ(study.ask(*make_grid_sampler(options(SamplerKind::grid)), 50).size(), 50u);
}

}  // namespace
}  // namespace warpbo::samplers
