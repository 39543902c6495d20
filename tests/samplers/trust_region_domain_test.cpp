// The box of a trust region over mixed spaces.

#include "samplers/trust_region_domain.hpp"

#include "acquisition/candidates.hpp"
#include "math/philox.hpp"
#include "samplers/gp_domain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace warpbo::samplers {
namespace {

/// A space with everything it takes to search in it.
struct Setting {
  explicit Setting(const Space& space, const Parameters& fixed = {}) : encoder(space), region(encoder, fixed), domain(region) {}
  [[nodiscard]] std::vector<double> row(const Parameters& parameters) const {
    std::vector<double> out(encoder.dimensions());
    EXPECT_TRUE(encoder.encode(parameters, out));
    encoder.snap(out);
    return out;
  }
  space::Encoder encoder;
  Region region;
  GpDomain domain;
};

/// Rows of `count` samples; how many were found is told by their number.
std::vector<std::vector<double>> samples(const TrustRegionDomain& box, int count) {
  std::vector<std::vector<double>> rows;
  const std::size_t d = box.columns().size();
  std::vector<double> uniforms(d), row(d);
  for (int i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < d; ++c) uniforms[c] = math::philox_uniform(7, 0, static_cast<std::uint64_t>(i), c);
    if (box.sample(uniforms, static_cast<std::uint64_t>(i), row)) rows.push_back(row);
  }
  return rows;
}

TEST(TrustRegionDomain, SamplesFillTheBoxAndNothingElse) {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 10);
  Setting setting(space);
  const TrustRegionDomain box(setting.domain, setting.row({{"x", 0.5}, {"y", 9.5}}), {0.1, 0.2});
  EXPECT_NEAR(box.range(0).first, 0.4, 1e-12);
  EXPECT_NEAR(box.range(1).first, 0.75, 1e-12);
  EXPECT_DOUBLE_EQ(box.range(1).second, 1.0);
  double low = 1, high = 0;
  const auto rows = samples(box, 500);
  ASSERT_EQ(rows.size(), 500u);
  for (const auto& row : rows) {
    EXPECT_GE(row[0], 0.4 - 1e-12);
    EXPECT_LE(row[0], 0.6 + 1e-12);
    EXPECT_GE(row[1], 0.75 - 1e-12);
    low = std::min(low, row[0]);
    high = std::max(high, row[0]);
  }
  EXPECT_LT(low, 0.41);
  EXPECT_GT(high, 0.59);
}

TEST(TrustRegionDomain, CandidatesStayInside) {
  Space space;
  for (const char* name : {"a", "b", "c"}) space.real(name, 0, 1);
  Setting setting(space);
  const TrustRegionDomain box(setting.domain, setting.row({{"a", 0.1}, {"b", 0.5}, {"c", 0.9}}), {0.3, 0.01, 0.3});
  acquisition::CandidateOptions options;
  options.count = 1000;
  options.incumbents = box.centre();
  const std::vector<double> rows = acquisition::make_candidates(box, options);
  ASSERT_GT(rows.size(), 2400u);
  for (std::size_t at = 0; at < rows.size(); at += 3) {
    EXPECT_LE(rows[at], 0.4 + 1e-12);
    EXPECT_LE(std::fabs(rows[at + 1] - 0.5), 0.01 + 1e-12);
    EXPECT_GE(rows[at + 2], 0.6 - 1e-12);
  }
}

TEST(TrustRegionDomain, LevelsKeepTheirNeighboursAndCategoriesStayFree) {
  Space space;
  space.integer("n", 0, 10);
  space.categorical("c", {"a", "b", "c"});
  space.real("x", 0, 1);
  Setting setting(space);
  const TrustRegionDomain box(setting.domain, setting.row({{"n", std::int64_t{4}}, {"c", std::string("b")}, {"x", 0.5}}),
                              {1e-4, 1e-4, 1e-4});
  std::set<std::int64_t> levels;
  std::set<double> categories;
  for (const auto& row : samples(box, 300)) {
    levels.insert(setting.encoder.nearest_level(0, row[0]));
    categories.insert(row[1]);
    EXPECT_NEAR(row[2], 0.5, 2e-4);
  }
  EXPECT_EQ(levels, (std::set<std::int64_t>{3, 4, 5}));
  EXPECT_EQ(categories.size(), 3u);
}

TEST(TrustRegionDomain, InManyDimensionsAboutTwentyCoordinatesMove) {
  Space space;
  Parameters centre;
  for (int i = 0; i < 100; ++i) {
    space.real("x" + std::to_string(i), 0, 1);
    centre.set("x" + std::to_string(i), 0.5);
  }
  Setting setting(space);
  const TrustRegionDomain box(setting.domain, setting.row(centre), std::vector<double>(100, 0.2));
  double moved = 0;
  const auto rows = samples(box, 200);
  for (const auto& row : rows)
    moved += static_cast<double>(std::count_if(row.begin(), row.end(), [](double v) { return v != 0.5; }));
  EXPECT_NEAR(moved / static_cast<double>(rows.size()), 21, 2);  // 20 of 100 by chance, and one always
}

TEST(TrustRegionDomain, ConstraintsHold) {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 1);
  space.constrain("x + y <= 1");
  Setting setting(space);
  const TrustRegionDomain box(setting.domain, setting.row({{"x", 0.5}, {"y", 0.5}}),
                              {0.3, 0.3});  // a corner of the feasible part
  const auto rows = samples(box, 300);
  EXPECT_EQ(rows.size(), 300u);
  for (const auto& row : rows) EXPECT_LE(row[0] + row[1], 1 + 1e-9);
}

TEST(TrustRegionDomain, FixedValuesAndAbsentParametersAreNotBounded) {
  Space space;
  space.real("x", 0, 1);
  space.real("fixed", 0, 1);
  space.categorical("kind", {"plain", "fancy"});
  space.real("extra", 0, 1).when("kind == 'fancy'");
  Setting setting(space, {{"fixed", 0.9}});
  std::vector<double> centre = setting.row({{"x", 0.5}, {"fixed", 0.1}, {"kind", std::string("plain")}});
  setting.domain.snap(centre);
  const TrustRegionDomain box(setting.domain, centre, {0.05, 0.05, 0.05, 0.05});
  double low = 1, high = 0;
  for (const auto& row : samples(box, 400)) {
    EXPECT_NEAR(row[1], 0.9, 1e-12);
    if (row[2] == 1) low = std::min(low, row[3]), high = std::max(high, row[3]);
  }
  EXPECT_LT(low, 0.1);
  EXPECT_GT(high, 0.9);
}

}  // namespace
}  // namespace warpbo::samplers
