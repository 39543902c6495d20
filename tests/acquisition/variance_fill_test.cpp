// Exploration of the promising region.
#include "acquisition/variance_fill.hpp"

#include "acquisition/box_domain.hpp"
#include "acquisition/sample_model.hpp"
#include "gp/joint_sample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

namespace warpbo::acquisition {
namespace {

/// `n` by `n` points of the unit square, row-major.
std::vector<double> grid_points(int n) {
  std::vector<double> rows;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) rows.insert(rows.end(), {i / (n - 1.0), j / (n - 1.0)});
  return rows;
}

TEST(VarianceFill, TimeEndsItAfterTheFirstPick) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain domain = BoxDomain::continuous(2);
  VarianceFillOptions options;
  options.count = 6;
  options.deadline = Deadline(1e-9);
  const Proposals found = fill_by_variance(regression, domain, options);
  EXPECT_EQ(found.values.size(), 1U);
  EXPECT_TRUE(found.timed_out);
}

TEST(VarianceFill, PicksArePromisingSpreadOutAndKeepAwayFromPendingOnes) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain domain = BoxDomain::continuous(2);
  VarianceFillOptions options;
  options.count = 6;
  options.candidates.count = 512;
  const Proposals found = fill_by_variance(regression, domain, options);
  ASSERT_EQ(found.values.size(), 6U);
  std::set<std::pair<double, double>> distinct;
  for (std::size_t at = 0; at < found.rows.size(); at += 2) distinct.emplace(found.rows[at], found.rows[at + 1]);
  EXPECT_EQ(distinct.size(), 6U);
  EXPECT_TRUE(std::is_sorted(found.values.rbegin(), found.values.rend()));
  // A lower bound above the least upper bound of any points shows a pick that cannot be the optimum.
  const std::vector<double> grid = grid_points(41);
  const gp::Moments anywhere = gp::predict(regression, grid), picked = gp::predict(regression, found.rows);
  double least_upper = INFINITY;
  for (std::size_t i = 0; i < anywhere.mean.size(); ++i)
    least_upper = std::min(least_upper, anywhere.mean[i] + options.region_coefficient * std::sqrt(anywhere.variance[i]));
  int excluded = 0;
  for (std::size_t i = 0; i < anywhere.mean.size(); ++i)
    excluded += anywhere.mean[i] - options.region_coefficient * std::sqrt(anywhere.variance[i]) > least_upper ? 1 : 0;
  EXPECT_GT(excluded, 100);  // of 1,681: the region is smaller than the space
  for (std::size_t i = 0; i < picked.mean.size(); ++i)
    EXPECT_LE(picked.mean[i] - options.region_coefficient * std::sqrt(picked.variance[i]), least_upper + 0.05);
  // The first pick, pending, is no longer where the variance is largest.
  BoxDomain again = BoxDomain::continuous(2);
  options.pending = {found.rows[0], found.rows[1]};
  const Proposals beside = fill_by_variance(regression, again, options);
  EXPECT_NEAR(beside.rows[0], found.rows[2], 1e-12);
  EXPECT_NEAR(beside.rows[1], found.rows[3], 1e-12);
}

}  // namespace
}  // namespace warpbo::acquisition
