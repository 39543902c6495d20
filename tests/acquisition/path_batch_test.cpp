#include "acquisition/path_batch.hpp"

#include "acquisition/box_domain.hpp"
#include "acquisition/path_samples.hpp"
#include "acquisition/sample_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace warpbo::acquisition {
namespace {

PathBatchOptions options_for(int count) {
  PathBatchOptions options;
  options.count = count;
  options.candidates.count = 512;
  options.features = 128;
  options.seed = 4;
  return options;
}

std::set<std::vector<double>> distinct_rows(const Proposals& found, std::size_t d) {
  std::set<std::vector<double>> rows;
  for (std::size_t at = 0; at < found.rows.size(); at += d)
    rows.emplace(found.rows.begin() + static_cast<std::ptrdiff_t>(at),
                 found.rows.begin() + static_cast<std::ptrdiff_t>(at + d));
  return rows;
}

TEST(PathBatch, EveryTrialIsABetterPointOfItsOwnFunctionThanAnyCandidate) {
  const gp::Regression regression = sample_model(15, 2, 1e-4);
  BoxDomain domain = BoxDomain::continuous(2);
  const PathBatchOptions options = options_for(40);
  const Proposals found = propose_paths(regression, domain, options);
  ASSERT_EQ(found.values.size(), 40U);
  EXPECT_EQ(distinct_rows(found, 2).size(), 40U);
  // The first group's functions are drawn from the batch's seed; each is asked on a grid of its own.
  PathSampleOptions sample;
  sample.count = 40;
  sample.features = options.features;
  sample.seed = math::mix64(options.seed ^ math::mix64(0));
  const PathSamples samples(regression, domain.columns(), sample);
  std::vector<double> grid;
  for (int i = 0; i <= 40; ++i)
    for (int j = 0; j <= 40; ++j) grid.insert(grid.end(), {i / 40.0, j / 40.0});
  std::vector<std::int32_t> identity;
  for (std::int32_t s = 0; s < 40; ++s) identity.push_back(s);
  const backend::Buffer<std::int32_t> device(regression.backend(), 40);
  device.upload(identity);
  const PathTarget target(samples.model(), device.view());
  int global = 0;
  for (std::int32_t s = 0; s < 40; ++s) {
    const std::vector<std::int32_t> owners(grid.size() / 2, s);
    const std::vector<double> values = evaluate(regression.arena(), target, grid, 2, owners);
    if (found.values[static_cast<std::size_t>(s)] >= *std::max_element(values.begin(), values.end()) - 1e-6) ++global;
  }
  // Some end at a corner that another trial has taken already, next to it then.
  EXPECT_GE(global, 34);
}

// Few rounds suffice where functions are smooth: what ends a climb must be that nothing is left to gain.
TEST(PathBatch, ClimbsEndWhereTheSlopeLeadsOutOfTheBox) {
  constexpr std::int64_t d = 6, count = 50;
  const gp::Regression regression = sample_model(60, d, 1e-4);
  const BoxDomain domain = BoxDomain::continuous(d);
  PathSampleOptions sample;
  sample.count = count;
  sample.features = 256;
  const PathSamples samples(regression, domain.columns(), sample);
  std::vector<std::int32_t> identity;
  for (std::int32_t s = 0; s < count; ++s) identity.push_back(s);
  const backend::Buffer<std::int32_t> device(regression.backend(), count);
  device.upload(identity);
  const PathTarget target(samples.model(), device.view());
  std::vector<double> starts;
  for (std::uint64_t s = 0; s < count; ++s)
    for (std::uint64_t k = 0; k < d; ++k) starts.push_back(math::philox_uniform(3, 0, s, k));
  ClimbOptions climb;
  climb.max_rounds = 200;
  climb.value_tolerance = 1e-9;
  const Climbed ends = climb_each(regression.arena(), domain, target, starts, climb);
  for (std::size_t k = 0; k < d; ++k) {
    // One coordinate of every end a little to either side, as far as the box goes.
    for (const double step : {-1e-4, 1e-4}) {
      std::vector<double> moved = ends.rows;
      for (std::size_t at = k; at < moved.size(); at += d) moved[at] = std::clamp(moved[at] + step, 0.0, 1.0);
      const std::vector<double> values = evaluate(regression.arena(), target, moved, d, identity);
      for (std::size_t s = 0; s < count; ++s) EXPECT_LE(values[s], ends.values[s] + 1e-7) << s << ' ' << k << ' ' << step;
    }
  }
}

TEST(PathBatch, ConstraintsHold) {
  const gp::Regression regression = sample_model(15, 2, 1e-4);
  BoxDomain domain = BoxDomain::continuous(2, 0.9);
  const Proposals found = propose_paths(regression, domain, options_for(60));
  EXPECT_EQ(distinct_rows(found, 2).size(), 60U);
  for (std::size_t at = 0; at < found.rows.size(); at += 2) EXPECT_LE(found.rows[at] + found.rows[at + 1], 0.9 + 1e-12);
}

TEST(PathBatch, MixedPointsLieOnTheirLevelsAndAreDistinct) {
  const gp::Regression regression = sample_model(25, 3, 1e-4, 1);
  BoxDomain domain({{true, false, 0}, {false, false, 6}, {false, true, 3}});
  const Proposals found = propose_paths(regression, domain, options_for(100));
  EXPECT_EQ(distinct_rows(found, 3).size(), 100U);
  for (std::size_t at = 0; at < found.rows.size(); at += 3) {
    std::vector<double> snapped(found.rows.begin() + static_cast<std::ptrdiff_t>(at),
                                found.rows.begin() + static_cast<std::ptrdiff_t>(at + 3));
    const std::vector<double> row = snapped;
    domain.snap(snapped);
    EXPECT_EQ(row, snapped);
  }
}

// S10: a finite domain gives what is left of it; if there is more than asked for, distinct points of it.
TEST(PathBatch, S10_FiniteDomains) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain small({{false, false, 3}, {false, false, 3}});
  small.exclude(std::vector<double>{0.5, 0.5});
  EXPECT_EQ(distinct_rows(propose_paths(regression, small, options_for(100)), 2).size(), 8U);
  BoxDomain larger({{false, false, 20}, {false, false, 20}});
  const Proposals most = propose_paths(regression, larger, options_for(390));
  EXPECT_EQ(distinct_rows(most, 2).size(), 390U);
  // Larger than the list of candidates: 2,500 points, 1,000 wanted.
  BoxDomain large({{false, false, 50}, {false, false, 50}});
  EXPECT_EQ(distinct_rows(propose_paths(regression, large, options_for(1000)), 2).size(), 1000U);
}

TEST(PathBatch, GroupsGoOnWhereTheOneBeforeEnded) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain domain = BoxDomain::continuous(2);
  PathBatchOptions options = options_for(50);
  options.group_size = 7;
  const Proposals found = propose_paths(regression, domain, options);
  EXPECT_EQ(distinct_rows(found, 2).size(), 50U);
  for (const double value : found.values) EXPECT_TRUE(std::isfinite(value));
}

TEST(PathBatch, TheSameSeedGivesTheSameBits) {
  const gp::Regression regression = sample_model(10, 2, 1e-4);
  BoxDomain a = BoxDomain::continuous(2), b = BoxDomain::continuous(2), c = BoxDomain::continuous(2);
  const std::vector<double> first = propose_paths(regression, a, options_for(30)).rows;
  EXPECT_EQ(first, propose_paths(regression, b, options_for(30)).rows);
  PathBatchOptions other = options_for(30);
  other.seed = 5;
  EXPECT_NE(first, propose_paths(regression, c, other).rows);
}

TEST(Climb, BoxesOfTheirOwnHoldTheClimbs) {
  const gp::Regression regression = sample_model(15, 2, 1e-4);
  const BoxDomain domain = BoxDomain::continuous(2);
  const FantasyModel fantasies(regression, 0, 1, -0.8, 1);
  const Target target(fantasies.model(), {backend::AcquisitionKind::sd, {}, 0});
  ClimbOptions options;
  options.lower = {0.2, 0.2, 0.6, 0.6};
  options.upper = {0.4, 0.3, 0.7, 0.9};
  const Climbed climbed = climb_each(regression.arena(), domain, target, std::vector<double>{0.3, 0.25, 0.65, 0.7}, options);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_GE(climbed.rows[i], options.lower[i] - 1e-12);
    EXPECT_LE(climbed.rows[i], options.upper[i] + 1e-12);
  }
}

}  // namespace
}  // namespace warpbo::acquisition
