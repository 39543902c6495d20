#include "acquisition/climb.hpp"

#include "acquisition/box_domain.hpp"
#include "acquisition/fantasy_model.hpp"
#include "acquisition/sample_model.hpp"

#include <gtest/gtest.h>

namespace warpbo::acquisition {
namespace {

/// The acquisition of a fitted process with a known incumbent.
struct Fixture {
  gp::Regression regression;
  FantasyModel fantasies;
  explicit Fixture(gp::Regression r) : regression(std::move(r)), fantasies(regression, 0, 1, -0.8, 1) {}
  [[nodiscard]] Target target() const {
    return {fantasies.model(), {backend::AcquisitionKind::log_ei, fantasies.incumbents(), 0}};
  }
};

std::vector<double> grid(const BoxDomain& domain, int steps) {
  std::vector<double> rows;
  for (int i = 0; i <= steps; ++i)
    for (int j = 0; j <= steps; ++j) {
      std::vector<double> row = {static_cast<double>(i) / steps, static_cast<double>(j) / steps};
      domain.snap(row);
      if (domain.feasible(row)) rows.insert(rows.end(), row.begin(), row.end());
    }
  return rows;
}

double best_of(const std::vector<double>& values) { return *std::max_element(values.begin(), values.end()); }

TEST(Climb, ReachesWhatAFineGridFindsAndNeverFallsBelowItsStart) {
  Fixture model(sample_model(12, 2, 1e-4));
  const BoxDomain domain = BoxDomain::continuous(2);
  backend::Arena& arena = model.regression.arena();
  const std::vector<double> starts = grid(domain, 5);
  const Climbed climbed = climb(arena, domain, model.target(), starts, {});
  EXPECT_GE(climbed.values.front(), best_of(evaluate(arena, model.target(), grid(domain, 200), 2)) - 1e-4);
  EXPECT_GE(climbed.values.back(), *std::min_element(climbed.values.begin(), climbed.values.end()));
  const std::vector<double> again = evaluate(arena, model.target(), climbed.rows, 2);
  for (std::size_t p = 0; p < again.size(); ++p) EXPECT_NEAR(again[p], climbed.values[p], 1e-9);
}

// Discrete columns are searched exactly: the result is the best of all levels, here found by exhaustion.
TEST(Climb, DiscreteColumnsEndAtTheBestLevels) {
  Fixture model(sample_model(25, 3, 1e-4, 1));
  const BoxDomain domain({{true, false, 0}, {false, false, 6}, {false, true, 3}});
  backend::Arena& arena = model.regression.arena();
  std::vector<double> all;
  for (int i = 0; i <= 300; ++i)
    for (int level = 0; level < 6; ++level)
      for (int category = 0; category < 3; ++category) {
        const std::vector<double> row = {i / 300.0, level / 5.0, static_cast<double>(category)};
        all.insert(all.end(), row.begin(), row.end());
      }
  const double exhaustive = best_of(evaluate(arena, model.target(), all, 3));
  const std::vector<double> starts = {0.1, 0.0, 0, 0.5, 0.4, 1, 0.9, 1.0, 2};
  const Climbed climbed = climb(arena, domain, model.target(), starts, {});
  EXPECT_GE(climbed.values.front(), exhaustive - 1e-4);
  for (std::size_t at = 0; at < climbed.rows.size(); at += 3) {
    EXPECT_EQ(climbed.rows[at + 1], domain.level_value(1, domain.nearest_level(1, climbed.rows[at + 1])));
    EXPECT_EQ(climbed.rows[at + 2], std::round(climbed.rows[at + 2]));
  }
}

// A long grid: relaxed for the climb, then exact.
TEST(Climb, LongGridsAreSearchedBeyondRounding) {
  Fixture model(sample_model(12, 2, 1e-4));
  const BoxDomain domain({{false, false, 101}, {false, false, 17}});
  backend::Arena& arena = model.regression.arena();
  std::vector<double> all;
  for (int i = 0; i < 101; ++i)
    for (int j = 0; j < 17; ++j) all.insert(all.end(), {i / 100.0, j / 16.0});
  const std::vector<double> starts = {0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 0.0, 1.0};
  const Climbed climbed = climb(arena, domain, model.target(), starts, {});
  EXPECT_NEAR(climbed.values.front(), best_of(evaluate(arena, model.target(), all, 2)), 1e-9);
}

TEST(Climb, StaysInsideLinearConstraintsAndReachesTheirBoundary) {
  Fixture model(sample_model(12, 2, 1e-4));  // wants x = (0.6, 0.6)
  const BoxDomain domain = BoxDomain::continuous(2, 0.7);
  backend::Arena& arena = model.regression.arena();
  const std::vector<double> starts = {0.1, 0.1, 0.3, 0.3, 0.05, 0.5};
  const Climbed climbed = climb(arena, domain, model.target(), starts, {});
  for (std::size_t at = 0; at < climbed.rows.size(); at += 2)
    EXPECT_TRUE(domain.feasible(std::span(climbed.rows).subspan(at, 2)));
  EXPECT_GE(climbed.values.front(), best_of(evaluate(arena, model.target(), grid(domain, 200), 2)) - 0.02);
}

}  // namespace
}  // namespace warpbo::acquisition
