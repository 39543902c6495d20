// Which searches a study's data asks for, and through which map they see the targets.
#include "samplers/gp_plan.hpp"

#include "math/philox.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace warpbo::samplers {
namespace {

constexpr std::size_t kCount = 60;  // a size between two anchors

Observations observations(bool over_orders_of_magnitude) {
  Observations out;
  for (std::size_t i = 0; i < kCount; ++i) {
    double wave = 0;
    for (std::size_t k = 0; k < 2; ++k) {
      out.rows.push_back(math::philox_uniform(3, 0, i, k));
      wave += std::sin(4 * out.rows.back() + static_cast<double>(k));
    }
    out.values.push_back(over_orders_of_magnitude ? std::exp(4 * wave) : wave);
    out.imputed.push_back(0);
    ++out.successes;
  }
  return out;
}

// The anchor chooses the map; the refinement and what is used in the end keep it.
TEST(GpPlan, TheAnchorsMapIsKeptUntilTheNext) {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 1);
  const GpPlan plan(space::Encoder(space), Noise::infer, GpRecipe{}, 1);
  ASSERT_EQ(plan.warps().size(), 2U);
  backend::Arena arena(backend::make_cpu_backend());
  for (const bool over_orders : {true, false}) {
    const std::size_t expected = over_orders ? 1 : 0;
    const Observations data = observations(over_orders);
    GpPlan::Searches searches;
    for (const bool cold : {true, false}) {
      const auto due = plan.due(data, searches);
      ASSERT_TRUE(due);
      EXPECT_EQ(due->cold, cold);
      EXPECT_EQ(due->targets.size(), cold ? 2U : 1U);
      if (!cold) {
        EXPECT_EQ(due->targets[0].values, gp::warp_targets(data.values, plan.warps()[expected]).values);
      }
      const gp::FitTask task = due->task(plan.settings());
      GpPlan::accept(*due, gp::fit(arena, {&task, 1}).front(), searches);
    }
    GpPlan::Found use;
    EXPECT_FALSE(plan.due(data, searches, &use));
    EXPECT_EQ(use.warp, expected);
    EXPECT_EQ(use.theta, searches.refined->theta);
  }
}

}  // namespace
}  // namespace warpbo::samplers
