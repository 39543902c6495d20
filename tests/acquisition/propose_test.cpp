#include "acquisition/propose.hpp"

#include "acquisition/box_domain.hpp"
#include "acquisition/sample_model.hpp"

#include <gtest/gtest.h>

#include <set>

namespace warpbo::acquisition {
namespace {

ProposeOptions options_for(int count) {
  ProposeOptions options;
  options.count = count;
  options.incumbent = -0.7;
  options.candidates.count = 512;
  options.candidates.incumbents = {0.5, 0.5};
  options.seed = 4;
  return options;
}

double distance(const double* a, const double* b) { return std::hypot(a[0] - b[0], a[1] - b[1]); }

TEST(Propose, BatchesAreDistinctAndSpreadOut) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain domain = BoxDomain::continuous(2);
  const Proposals found = propose(regression, domain, options_for(8));
  ASSERT_EQ(found.rows.size(), 16U);
  for (std::size_t i = 0; i < 8; ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_GT(distance(&found.rows[2 * i], &found.rows[2 * j]), 0.01);
}

// The second pick of a batch of two is where a single pick goes once the first is pending.
TEST(Propose, AChosenPointAndAPendingOneCountAlike) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain first_domain = BoxDomain::continuous(2), second_domain = BoxDomain::continuous(2);
  const Proposals two = propose(regression, first_domain, options_for(2));
  ProposeOptions with_pending = options_for(1);
  with_pending.pending = {two.rows[0], two.rows[1]};
  const Proposals one = propose(regression, second_domain, with_pending);
  EXPECT_LT(distance(&two.rows[2], &one.rows[0]), 0.02);
  EXPECT_GT(distance(&two.rows[0], &one.rows[0]), 0.05);
}

TEST(Propose, NoisyIncumbentsAreIntegratedOver) {
  const gp::Regression regression = sample_model(20, 2, 0.1);
  BoxDomain domain = BoxDomain::continuous(2);
  ProposeOptions options = options_for(1);
  options.incumbent = INFINITY;
  options.baseline = {0.55, 0.6, 0.65, 0.55, 0.6, 0.7};
  const Proposals found = propose(regression, domain, options);
  ASSERT_EQ(found.rows.size(), 2U);
  EXPECT_TRUE(std::isfinite(found.values[0]));
  EXPECT_TRUE(found.degraded.empty());
}

// S10: a finite domain gives what is left of it.
TEST(Propose, S10_AFiniteDomainRunsOut) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain domain({{false, false, 3}, {false, false, 3}});
  domain.exclude(std::vector<double>{0.5, 0.5});
  const Proposals found = propose(regression, domain, options_for(20));
  EXPECT_EQ(found.rows.size(), 16U);
  std::set<std::pair<double, double>> distinct;
  for (std::size_t at = 0; at < found.rows.size(); at += 2) distinct.emplace(found.rows[at], found.rows[at + 1]);
  EXPECT_EQ(distinct.size(), 8U);
}

// G2: far below the incumbent's reach expected improvement underflows; its logarithm still tells where to go.
TEST(Propose, G2_AHopelessIncumbentStillGivesDistinctInteriorPoints) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain domain = BoxDomain::continuous(2);
  ProposeOptions options = options_for(2);
  options.incumbent = -1e6;
  const Proposals found = propose(regression, domain, options);
  ASSERT_EQ(found.rows.size(), 4U);
  for (const double value : found.values) EXPECT_TRUE(std::isfinite(value));
  EXPECT_GT(distance(&found.rows[0], &found.rows[2]), 1e-6);
}

TEST(Propose, TheSameSeedGivesTheSameBits) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain a = BoxDomain::continuous(2), b = BoxDomain::continuous(2);
  EXPECT_EQ(propose(regression, a, options_for(4)).rows, propose(regression, b, options_for(4)).rows);
}

// Beyond the picks that climb, a batch is filled from the candidates.
TEST(Propose, LargeBatchesAreFilledFromTheCandidates) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain domain = BoxDomain::continuous(2);
  ProposeOptions options = options_for(40);
  options.climbed_picks = 4;
  const Proposals found = propose(regression, domain, options);
  std::set<std::pair<double, double>> distinct;
  for (std::size_t at = 0; at < found.rows.size(); at += 2) distinct.emplace(found.rows[at], found.rows[at + 1]);
  EXPECT_EQ(distinct.size(), 40U);
}

}  // namespace
}  // namespace warpbo::acquisition
