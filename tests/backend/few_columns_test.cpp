/// The CPU backend's own products of a triangular matrix with few columns.
#include "backend/cpu/few_columns.hpp"
#include "math/philox.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>
#include <vector>

namespace warpbo::backend::cpu {
namespace {

using Case = std::tuple<std::int64_t, std::int64_t>;  // n, m

class FewColumns : public ::testing::TestWithParam<Case> {
 protected:
  static double random(std::int64_t row, std::int64_t column, std::uint64_t stream) {
    return math::philox_normal(7, stream, static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(column));
  }

  const std::int64_t n = std::get<0>(GetParam()), m = std::get<1>(GetParam());
  // Distances off the size, NaN where nothing may be read, a sentinel where nothing may be written.
  const std::int64_t ldl = n + 3, ldb = n + 1, ldc = n + 2;
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kSentinel = 1234.5;

  std::vector<double> triangle() const {
    std::vector<double> l(static_cast<std::size_t>(ldl * n), kNan);
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = j; i < n; ++i) l[static_cast<std::size_t>(i + j * ldl)] = random(i, j, 0);
    return l;
  }
  std::vector<double> columns(std::int64_t leading, std::uint64_t stream, double rest) const {
    std::vector<double> out(static_cast<std::size_t>(leading * m), rest);
    for (std::int64_t q = 0; q < m; ++q)
      for (std::int64_t i = 0; i < n; ++i) out[static_cast<std::size_t>(i + q * leading)] = random(i, q, stream);
    return out;
  }

  void check(bool transposed, double beta) const {
    const std::vector<double> l = triangle(), b = columns(ldb, 1, kNan), before = columns(ldc, 2, kSentinel);
    std::vector<double> alone = before, shared = before;
    if (beta == 0)  // what was there does not matter
      for (std::int64_t q = 0; q < m; ++q)
        alone[static_cast<std::size_t>(q * ldc)] = shared[static_cast<std::size_t>(q * ldc)] = kNan;
    const auto multiply = transposed ? multiply_few_transposed : multiply_few;
    multiply(n, m, -0.5, l.data(), ldl, b.data(), ldb, beta, alone.data(), ldc, Team::alone());
    multiply(n, m, -0.5, l.data(), ldl, b.data(), ldb, beta, shared.data(), ldc, Team(0));
    EXPECT_EQ(alone, shared);
    for (std::int64_t q = 0; q < m; ++q) {
      for (std::int64_t i = 0; i < n; ++i) {
        long double sum = 0, size = 0;
        for (std::int64_t k = transposed ? i : 0; k < (transposed ? n : i + 1); ++k) {
          const long double term =
              static_cast<long double>(l[static_cast<std::size_t>(transposed ? k + i * ldl : i + k * ldl)]) *
              b[static_cast<std::size_t>(k + q * ldb)];
          sum += term;
          size += std::fabs(term);
        }
        const auto at = static_cast<std::size_t>(i + q * ldc);
        const long double expected = -0.5L * sum + (beta == 0 ? 0.0L : static_cast<long double>(beta) * before[at]);
        EXPECT_NEAR(alone[at], static_cast<double>(expected), static_cast<double>(1e-14L * (size + 1))) << i << ' ' << q;
      }
      for (std::int64_t i = n; i < ldc; ++i) EXPECT_EQ(alone[static_cast<std::size_t>(i + q * ldc)], kSentinel);
    }
  }
};

TEST_P(FewColumns, Plain) {
  for (const double beta : {0.0, 1.0, 0.3}) check(false, beta);
}

TEST_P(FewColumns, Transposed) {
  for (const double beta : {0.0, 1.0, 0.3}) check(true, beta);
}

// Around the four lanes, the blocks of 128 rows, and large enough for several threads.
INSTANTIATE_TEST_SUITE_P(Sizes, FewColumns,
                         ::testing::Combine(::testing::Values(1, 2, 3, 5, 8, 127, 128, 129, 300, 1001),
                                            ::testing::Values(1, 2, 3, 4, 5, 8)));

}  // namespace
}  // namespace warpbo::backend::cpu
