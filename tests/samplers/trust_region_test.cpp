// What a history says about trust regions.

#include "samplers/trust_region.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace warpbo::samplers {
namespace {

Trial with_origin(const std::string& origin) {
  Trial trial;
  if (!origin.empty()) trial.attributes["warpbo:origin"] = "\"" + origin + "\"";
  return trial;
}

/// A history under construction: trials in the order of their numbers.
class History {
 public:
  void design(double value, std::int64_t region = 0) { add(region_origin("", {region, trials_.size(), true}), value); }
  void foreign(double value) { add("gp/logei", value); }
  /// A batch that region `region` asked for now.
  void batch(const std::vector<double>& values, std::int64_t region = 0) {
    const std::string origin = region_origin("logei", {region, trials_.size()});
    for (const double value : values) add(origin, value);
  }
  void swap_numbers(std::size_t a, std::size_t b) {
    std::swap(trials_[a], trials_[b]);
    std::swap(values_[a], values_[b]);
  }

  [[nodiscard]] std::vector<TrustRegion> replay(const TrustRegionRules& rules = {},
                                                const std::vector<Trial>& pending = {}) const {
    std::vector<const Trial*> pointers;
    for (const Trial& trial : trials_) pointers.push_back(&trial);
    return replay_regions(pointers, values_, pending, rules);
  }
  [[nodiscard]] TrustRegion only(const TrustRegionRules& rules = {}) const {
    const auto regions = replay(rules);
    EXPECT_EQ(regions.size(), 1u);
    return regions.front();
  }

 private:
  void add(const std::string& origin, double value) {
    trials_.push_back(with_origin(origin));
    trials_.back().number = static_cast<std::int64_t>(trials_.size()) - 1;
    values_.push_back(value);
  }
  std::vector<Trial> trials_;
  std::vector<double> values_;
};

TEST(TrustRegionLabel, RoundTrip) {
  const auto label = region_label(with_origin(region_origin("logei", {3, 140})));
  ASSERT_TRUE(label);
  EXPECT_EQ(label->region, 3);
  EXPECT_EQ(label->batch, 140u);
  EXPECT_FALSE(label->design);
  const auto design = region_label(with_origin(region_origin("logei", {0, 0, true})));
  ASSERT_TRUE(design);
  EXPECT_TRUE(design->design);
}

TEST(TrustRegionLabel, WhatOthersWroteIsNoLabel) {
  for (const char* origin : {"", "gp/logei", "trust/", "trust/logei@", "trust/logei@1", "trust/logei@1.", "trust/logei@-1.5",
                             "trust/logei@1.5x", "trust/logei@99999999999999999999.1", "xtrust/logei@1.5"})
    EXPECT_FALSE(region_label(with_origin(origin))) << origin;
}

TEST(TrustRegion, EmptyHistoryHasRegionZero) {
  const TrustRegion region = History().only();
  EXPECT_EQ(region.number, 0);
  EXPECT_EQ(region.length, 0.8);
  EXPECT_FALSE(region.best);
  EXPECT_FALSE(region.collapsed);
}

TEST(TrustRegion, ThreeSuccessesInARowDoubleTheLength) {
  History history;
  for (const double value : {10.0, 9.0}) history.design(value);
  history.batch({8});
  history.batch({7});
  EXPECT_EQ(history.only().length, 0.8);
  EXPECT_EQ(history.only().successes, 2);
  history.batch({6});
  EXPECT_EQ(history.only().length, 1.6);
  EXPECT_EQ(history.only().successes, 0);
  for (const double value : {5.0, 4.0, 3.0}) history.batch({value});
  EXPECT_EQ(history.only().length, 1.6) << "not beyond the largest";
}

TEST(TrustRegion, FailuresInARowHalveTheLength) {
  History history;
  for (const double value : {10.0, 9.0}) history.design(value);
  for (int i = 0; i < 3; ++i) history.batch({20});
  history.batch({8});  // interrupts
  for (int i = 0; i < 3; ++i) history.batch({20});
  EXPECT_EQ(history.only().length, 0.8);
  EXPECT_EQ(history.only().failures, 3);
  history.batch({20});
  EXPECT_EQ(history.only().length, 0.4);
  EXPECT_EQ(history.only().failures, 0);
}

// A batch is one attempt to succeed, whose trials all count as failures when it fails: it halves the length once.
TEST(TrustRegion, AFailedBatchHalvesOnceWhateverItsSize) {
  History history;
  history.design(1);
  history.batch(std::vector<double>(100, 2.0));
  EXPECT_EQ(history.only().length, 0.4);
  std::vector<double> mostly_bad(100, 2.0);
  mostly_bad[57] = 0.5;
  history.batch(mostly_bad);
  EXPECT_EQ(history.only().length, 0.4);
  EXPECT_EQ(history.only().successes, 1);
}

TEST(TrustRegion, AHairIsNoSuccess) {
  History history;
  for (const double value : {10.0, 20.0, 30.0}) history.design(value);
  history.batch({10 - 1e-3});
  EXPECT_EQ(history.only().successes, 0);
  EXPECT_EQ(history.only().best, 3u) << "but it is where the region is";
  history.batch({9.9});
  EXPECT_EQ(history.only().successes, 1);
}

TEST(TrustRegion, CollapsesAndStaysSo) {
  History history;
  history.design(1);
  for (int i = 0; i < 7; ++i) {
    EXPECT_FALSE(history.only().collapsed) << i;
    history.batch({2, 2, 2, 2});
  }
  EXPECT_TRUE(history.only().collapsed);
  history.batch({0.5});  // a late result
  EXPECT_TRUE(history.only().collapsed);
  EXPECT_EQ(history.only().best, 29u);
}

TEST(TrustRegion, RegionsHaveTheirOwnTrialsAndCounters) {
  History history;
  history.design(1);
  history.batch({2, 2, 2, 2});
  history.design(7, 2);
  history.batch({6}, 2);
  history.batch({3, 3, 3, 3});
  const auto regions = history.replay();
  ASSERT_EQ(regions.size(), 2u);
  EXPECT_EQ(regions[0].length, 0.2);
  EXPECT_EQ(regions[1].number, 2);
  EXPECT_EQ(regions[1].length, 0.8);
  EXPECT_EQ(regions[1].trials, (std::vector<std::size_t>{5, 6}));
  EXPECT_EQ(regions[1].best, 6u);
}

// What another strategy finds moves region 0, so that a batch must better it, but it is neither success nor failure.
TEST(TrustRegion, UnlabelledTrialsMoveRegionZeroUncounted) {
  History history;
  history.design(10);
  history.foreign(20);
  history.foreign(5);
  history.batch({7});
  const TrustRegion region = history.only();
  EXPECT_EQ(region.best, 2u);
  EXPECT_EQ(region.failures, 1);
  EXPECT_EQ(region.design, 3);
  for (int i = 0; i < 50; ++i) history.foreign(20);
  EXPECT_EQ(history.only().failures, 1);
  EXPECT_EQ(history.only().length, 0.8);
}

TEST(TrustRegion, FailedTrialsAreFailures) {
  History history;
  history.design(INFINITY);
  EXPECT_FALSE(history.only().best);
  history.design(3);
  for (int i = 0; i < 4; ++i) history.batch({INFINITY});
  EXPECT_EQ(history.only().length, 0.4);
  EXPECT_EQ(history.only().best, 1u);
}

TEST(TrustRegion, PendingDesignCounts) {
  History history;
  history.design(1);
  const std::vector<Trial> pending = {with_origin(region_origin("", {0, 1, true})), with_origin(region_origin("logei", {0, 2})),
                                      with_origin(region_origin("", {1, 3, true}))};
  const auto regions = history.replay({}, pending);
  ASSERT_EQ(regions.size(), 2u);
  EXPECT_EQ(regions[0].design, 2);
  EXPECT_EQ(regions[1].design, 1);
}

}  // namespace
}  // namespace warpbo::samplers
