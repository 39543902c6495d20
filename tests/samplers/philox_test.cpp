#include "math/philox.hpp"

#include "math/quantile.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <set>

namespace warpbo::math {
namespace {

void expect_block(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1, PhiloxBlock expected) {
  const PhiloxBlock got = philox4x32(counter, key0, key1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(got.word[i], expected.word[i]) << "word " << i;
}

// The three known answers for philox4x32-10 in the authors' own distribution (Random123, kat_vectors).
TEST(Philox, KnownAnswers) {
  expect_block({{0, 0, 0, 0}}, 0, 0, {{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}});
  expect_block({{~0u, ~0u, ~0u, ~0u}}, ~0u, ~0u, {{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}});
  expect_block({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}}, 0xa4093822u, 0x299f31d0u,
               {{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}});
}

TEST(Philox, EveryCoordinateMatters) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed : {0ull, 1ull, 1ull << 32, ~0ull}) {
    for (std::uint64_t stream : {0ull, 1ull, 1ull << 32, ~0ull}) {
      for (std::uint64_t row : {0ull, 1ull, 1ull << 31, 1ull << 32, (1ull << 44) - 1}) {
        for (std::uint64_t column : {0ull, 1ull, 1023ull, (1ull << 20) - 1}) {
          EXPECT_TRUE(seen.insert(philox_bits(seed, stream, row, column)).second);
        }
      }
    }
  }
}

TEST(Philox, UniformsStayInTheirInterval) {
  EXPECT_EQ(unit_interval(0), 0.0);
  EXPECT_LT(unit_interval(~0ull), 1.0);
  EXPECT_GT(open_unit_interval(0), 0.0);
  EXPECT_LT(open_unit_interval(~0ull), 1.0);
  EXPECT_EQ(open_unit_interval(0), 1.0 - open_unit_interval(~0ull));
}

TEST(Philox, MomentsOfUniformsAndNormals) {
  constexpr int kCount = 200000;
  double uniform_sum = 0, uniform_square = 0, sum = 0, square = 0, fourth = 0, product = 0, previous = 0;
  for (int i = 0; i < kCount; ++i) {
    const double u = philox_uniform(7, 3, static_cast<std::uint64_t>(i), 2);
    const double z = philox_normal(7, 4, static_cast<std::uint64_t>(i), 2);
    uniform_sum += u;
    uniform_square += u * u;
    sum += z;
    square += z * z;
    fourth += z * z * z * z;
    product += z * previous;
    previous = z;
  }
  const double root = std::sqrt(static_cast<double>(kCount));
  EXPECT_NEAR(uniform_sum / kCount, 0.5, 5 * 0.289 / root);
  EXPECT_NEAR(uniform_square / kCount, 1.0 / 3, 5 * 0.298 / root);
  EXPECT_NEAR(sum / kCount, 0, 5 / root);
  EXPECT_NEAR(square / kCount, 1, 5 * std::sqrt(2.0) / root);
  EXPECT_NEAR(fourth / kCount, 3, 5 * std::sqrt(96.0) / root);
  EXPECT_NEAR(product / kCount, 0, 5 / root);
}

TEST(Philox, SequenceIsOneRowAndBelowStaysBelow) {
  PhiloxSequence sequence{11, 5, 9, 0};
  EXPECT_EQ(sequence.bits(), philox_bits(11, 5, 9, 0));
  EXPECT_EQ(sequence.bits(), philox_bits(11, 5, 9, 1));
  int hits[3] = {};
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t value = sequence.below(3);
    ASSERT_LT(value, 3u);
    ++hits[value];
  }
  for (int count : hits) EXPECT_NEAR(count, 1000, 5 * 26);
  EXPECT_EQ(sequence.below(1), 0u);
}

TEST(Quantile, LogarithmAgreesWithTheLibrary) {
  EXPECT_EQ(reproducible_log(1.0), 0.0);
  for (int i = 0; i < 20000; ++i) {
    const double x = std::ldexp(1 + philox_uniform(1, 1, static_cast<std::uint64_t>(i), 0), i % 2000 - 1000);
    const double expected = std::log(x);
    EXPECT_NEAR(reproducible_log(x), expected, 5e-16 * std::fabs(expected)) << x;
  }
}

// sqrt(2) erfinv(2p - 1) of the double p, computed with 60 digits (mpmath).
TEST(Quantile, NormalQuantileAgreesWithSixtyDigits) {
  const double table[][2] = {{1.1102230246251565e-16, -8.2095361516013868556},
                             {1e-12, -7.0344838253011319326},
                             {1e-05, -4.2648907939228246102},
                             {0.01, -2.3263478740408410931},
                             {0.0749999, -1.4395321773759005864},
                             {0.075, -1.4395314709384559349},
                             {0.3, -0.52440051270804081597},
                             {0.6, 0.25334710313579974132},
                             {0.925, 1.4395314709384562291},
                             {0.99, 2.3263478740408407676},
                             {0.99999999999999989, 8.2095361516013868556}};
  for (const auto& [p, x] : table) EXPECT_NEAR(normal_quantile(p), x, 5e-16 * std::fabs(x)) << p;
  EXPECT_EQ(normal_quantile(0.5), 0.0);
}

}  // namespace
}  // namespace warpbo::math
