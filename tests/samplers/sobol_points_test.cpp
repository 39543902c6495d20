#include "math/sobol.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace warpbo::math {
namespace {

double scrambled(std::uint64_t seed, std::uint64_t index, std::uint64_t dimension) {
  return sobol_uniform(sobol_directions(), seed, index, dimension);
}

// Digits of the unscrambled sequence as SciPy 1.17 gives them (scipy.stats.qmc.Sobol(1024, scramble=False, bits=32)); SciPy's
// points come in Gray code order, so its point p is our point p ^ (p >> 1).
TEST(SobolPoints, UnscrambledDigitsAgreeWithScipy) {
  const std::uint64_t dimensions[] = {0, 1, 2, 9, 100, 1023};
  struct Row {
    std::uint64_t index;
    std::uint32_t digits[6];
  };
  const Row rows[] = {{0, {0, 0, 0, 0, 0, 0}},
                      {1, {2147483648, 2147483648, 2147483648, 2147483648, 2147483648, 2147483648}},
                      {2, {1073741824, 3221225472, 3221225472, 1073741824, 3221225472, 1073741824}},
                      {3, {3221225472, 1073741824, 1073741824, 3221225472, 1073741824, 3221225472}},
                      {7, {3758096384, 3758096384, 536870912, 536870912, 536870912, 1610612736}},
                      {100, {637534208, 3321888768, 2986344448, 4261412864, 3053453312, 1845493760}},
                      {1000, {398458880, 692060160, 1933574144, 524288000, 2822766592, 507510784}},
                      {4095, {4293918720, 286261248, 11534336, 3933208576, 2821718016, 783286272}}};
  for (const Row& row : rows) {
    for (int d = 0; d < 6; ++d) {
      EXPECT_EQ(sobol_digits(sobol_directions().value[dimensions[d]], row.index), row.digits[d])
          << "point " << row.index << ", dimension " << dimensions[d];
    }
  }
}

// Every direction matrix must be regular: in each dimension the first 2^k points hit each interval of length 2^-k once.
TEST(SobolPoints, EveryDimensionIsStratified) {
  constexpr std::uint64_t kPoints = 256;
  for (std::uint64_t dimension = 0; dimension < kSobolDimensions; ++dimension) {
    for (std::uint64_t first : {std::uint64_t{0}, 5 * kPoints, kPoints << 30}) {
      std::vector<int> hits(kPoints, 0);
      for (std::uint64_t i = 0; i < kPoints; ++i) {
        const double x = scrambled(42, first + i, dimension);
        ASSERT_GE(x, 0.0);
        ASSERT_LT(x, 1.0);
        ++hits[static_cast<std::size_t>(x * kPoints)];
      }
      ASSERT_EQ(std::count(hits.begin(), hits.end(), 1), static_cast<std::ptrdiff_t>(kPoints)) << "dimension " << dimension;
    }
  }
}

// Dimensions 0 and 1 form a (0, 2)-sequence: 2^k points hit every box of 2^-a x 2^-(k-a) once, and scrambling keeps that.
TEST(SobolPoints, FirstTwoDimensionsAreANet) {
  constexpr int kBits = 8;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    for (int a = 0; a <= kBits; ++a) {
      std::vector<int> hits(1 << kBits, 0);
      for (std::uint64_t i = 0; i < 1 << kBits; ++i) {
        const auto x = static_cast<std::size_t>(std::ldexp(scrambled(seed, i, 0), a));
        const auto y = static_cast<std::size_t>(std::ldexp(scrambled(seed, i, 1), kBits - a));
        ++hits[x << (kBits - a) | y];
      }
      EXPECT_EQ(std::count(hits.begin(), hits.end(), 1), 1 << kBits) << "seed " << seed << ", split " << a;
    }
  }
}

// The scramble of one digit must be a fair coin that is independent of the others: over many keys, whether the two halves of a
// node are swapped is unrelated to its sibling's, its parent's and the neighbouring level's swap.
TEST(SobolPoints, ScramblesAreFairAndUnrelated) {
  constexpr int kKeys = 20000;
  constexpr int kLevels = 10;
  const double limit = 5 * std::sqrt(static_cast<double>(kKeys));
  // swap(key, level, node): digit `level` of the node's image, where `node` gives the digits above it and the digit itself is
  // 0.
  const auto swap = [](std::uint64_t key, int level, std::uint32_t node) {
    const std::uint32_t digits = level == 0 ? 0 : node << (32 - level);
    return static_cast<int>(std::ldexp(sobol_scramble(digits, key), level + 1)) & 1;
  };
  for (int level = 0; level < kLevels; ++level) {
    const std::uint32_t nodes = 1u << level;
    for (std::uint32_t node : {0u, nodes / 3, nodes - 1}) {
      double bias = 0, sibling = 0, parent = 0;
      for (int k = 0; k < kKeys; ++k) {
        const std::uint64_t key = sobol_scramble_key(static_cast<std::uint64_t>(k), 3, 0);
        const int own = 2 * swap(key, level, node) - 1;
        bias += own;
        if (level > 0) {
          sibling += own * (2 * swap(key, level, node ^ 1) - 1);
          parent += own * (2 * swap(key, level - 1, node >> 1) - 1);
        }
      }
      EXPECT_LT(std::fabs(bias), limit) << "level " << level << ", node " << node;
      EXPECT_LT(std::fabs(sibling), limit) << "level " << level << ", node " << node;
      EXPECT_LT(std::fabs(parent), limit) << "level " << level << ", node " << node;
    }
  }
}

TEST(SobolPoints, SeedsBlocksAndDimensionsDiffer) {
  EXPECT_NE(scrambled(1, 0, 0), scrambled(2, 0, 0));
  EXPECT_NE(scrambled(1, 0, 0), scrambled(1, 0, 1));
  EXPECT_NE(scrambled(1, 5, 0), scrambled(1, (1ull << 32) + 5, 0));
  EXPECT_NE(scrambled(1, 5, kSobolDimensions), scrambled(1, 5, kSobolDimensions + 1));
  EXPECT_EQ(scrambled(1, 5, 17), scrambled(1, 5, 17));
}

// A randomized net is unbiased, and integrates a smooth function far better than random points: prod(12 (x - 1/2)^2) in 3
// dimensions.
TEST(SobolPoints, IntegratesWithoutBiasAndBetterThanRandomPoints) {
  constexpr int kPoints = 256, kSeeds = 200;
  double mean = 0, square = 0, random_square = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    double sum = 0, random_sum = 0;
    for (std::uint64_t i = 0; i < kPoints; ++i) {
      double f = 1, g = 1;
      for (std::uint64_t d = 0; d < 3; ++d) {
        f *= 12 * std::pow(scrambled(seed, i, d) - 0.5, 2);
        g *= 12 * std::pow(philox_uniform(seed, 1, i, d) - 0.5, 2);
      }
      sum += f;
      random_sum += g;
    }
    mean += sum / kPoints - 1;
    square += std::pow(sum / kPoints - 1, 2);
    random_square += std::pow(random_sum / kPoints - 1, 2);
  }
  const double deviation = std::sqrt(square / kSeeds);
  EXPECT_LT(std::fabs(mean / kSeeds), 4 * deviation / std::sqrt(static_cast<double>(kSeeds)));
  EXPECT_LT(deviation, 0.25 * std::sqrt(random_square / kSeeds));
}

/// Squared centred L2 discrepancy of a two-dimensional point set (Hickernell 1998).
double discrepancy(const std::vector<double>& x, const std::vector<double>& y) {
  const auto single = [](double v) { return 1 + 0.5 * std::fabs(v - 0.5) - 0.5 * std::pow(v - 0.5, 2); };
  const auto pair = [](double v, double w) {
    return 1 + 0.5 * std::fabs(v - 0.5) + 0.5 * std::fabs(w - 0.5) - 0.5 * std::fabs(v - w);
  };
  const double n = static_cast<double>(x.size());
  double first = 0, second = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    first += single(x[i]) * single(y[i]);
    for (std::size_t j = 0; j < x.size(); ++j) second += pair(x[i], x[j]) * pair(y[i], y[j]);
  }
  return std::pow(13.0 / 12, 2) - 2 / n * first + second / (n * n);
}

TEST(SobolPoints, ProjectionsAreMoreEvenThanRandomPoints) {
  constexpr std::size_t kPoints = 128;
  std::vector<std::vector<double>> columns, random_columns;
  for (std::uint64_t d = 0; d < 12; ++d) {
    columns.emplace_back();
    random_columns.emplace_back();
    for (std::uint64_t i = 0; i < kPoints; ++i) {
      columns.back().push_back(scrambled(9, i, d));
      random_columns.back().push_back(philox_uniform(9, 0, i, d));
    }
  }
  double sum = 0, random_sum = 0, worst = 0;
  for (std::size_t a = 0; a < columns.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double value = discrepancy(columns[a], columns[b]);
      sum += value;
      worst = std::max(worst, value);
      random_sum += discrepancy(random_columns[a], random_columns[b]);
    }
  }
  EXPECT_LT(sum, 0.25 * random_sum);
  EXPECT_LT(worst, random_sum / 66);  // even the worst projection beats the average random one
}

}  // namespace
}  // namespace warpbo::math
