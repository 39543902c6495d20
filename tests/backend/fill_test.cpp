#include "backend/fixture.hpp"
#include "math/philox.hpp"
#include "math/sobol.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::backend::testing {
namespace {

class FillTest : public Conformance {};

TEST_P(FillTest, SobolPointsAreThoseOfTheSequence) {
  constexpr std::int64_t n = 700, d = 5;
  const Guarded out(backend, n, d);
  backend->run(FillSobol{out.view(), 42, 1000});
  out.expect_guards();
  const HostMatrix points = out.download();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < d; ++k)
      ASSERT_EQ(points(i, k), math::sobol_uniform(math::sobol_directions(), 42, static_cast<std::uint64_t>(1000 + i),
                                                  static_cast<std::uint64_t>(k)));
  // 512 points from a multiple of 512 on: one in each of 512 equal intervals.
  const Guarded net(backend, 512, d);
  backend->run(FillSobol{net.view(), 7, 512});
  const HostMatrix strata = net.download();
  for (std::int64_t k = 0; k < d; ++k) {
    std::vector<int> hits(512);
    for (std::int64_t i = 0; i < 512; ++i) ++hits[static_cast<std::size_t>(512 * strata(i, k))];
    EXPECT_EQ(*std::max_element(hits.begin(), hits.end()), 1);
  }
}

TEST_P(FillTest, RandomNumbersDependOnCellSeedAndStreamOnly) {
  for (const bool normal : {false, true}) {
    const Guarded large(backend, 600, 3), small(backend, 10, 2), other(backend, 10, 2);
    backend->run(FillRandom{large.view(), 5, 2, normal});
    backend->run(FillRandom{small.view(), 5, 2, normal});
    backend->run(FillRandom{other.view(), 5, 3, normal});
    large.expect_guards();
    const HostMatrix a = large.download(), b = small.download(), c = other.download();
    double sum = 0, squares = 0;
    for (const double x : a.data) sum += x, squares += x * x;
    const double mean = sum / 1800, variance = squares / 1800 - mean * mean;
    EXPECT_NEAR(mean, normal ? 0 : 0.5, 0.1);
    EXPECT_NEAR(variance, normal ? 1 : 1.0 / 12, normal ? 0.15 : 0.01);
    for (std::int64_t i = 0; i < 10; ++i)
      for (std::int64_t k = 0; k < 2; ++k) {
        EXPECT_EQ(a(i, k), b(i, k));
        EXPECT_NE(b(i, k), c(i, k));
      }
  }
}

TEST_P(FillTest, FactorsMultiplyTheRows) {
  const Guarded plain(backend, 300, 2), scaled(backend, 300, 2);
  std::vector<double> factors;
  for (int i = 0; i < 300; ++i) factors.push_back(0.1 * i);
  const Buffer<double> device = make_buffer(backend, factors);
  backend->run(FillRandom{plain.view(), 5, 2, true});
  backend->run(FillRandom{scaled.view(), 5, 2, true, device.view()});
  scaled.expect_guards();
  const HostMatrix a = plain.download(), b = scaled.download();
  for (std::int64_t i = 0; i < 300; ++i)
    for (std::int64_t k = 0; k < 2; ++k) ASSERT_EQ(b(i, k), factors[static_cast<std::size_t>(i)] * a(i, k));
}

class SelectTopTest : public Conformance {
 protected:
  std::vector<std::int32_t> select(const std::vector<double>& values, std::int64_t count) {
    const Buffer<double> in = make_buffer(backend, values);
    const Buffer<std::int32_t> out = make_buffer(backend, std::vector<std::int32_t>(static_cast<std::size_t>(count), -77));
    backend->run(SelectTop{in.view(), out.view()});
    return fetch(out);
  }
};

TEST_P(SelectTopTest, LargestFirstTiesByIndexNaNLast) {
  const double kNaN = std::nan(""), kInfinity = INFINITY;
  EXPECT_EQ(select({1, kNaN, 3, 3, -kInfinity, kInfinity, 2}, 7), (std::vector<std::int32_t>{5, 2, 3, 6, 0, 4, 1}));
  EXPECT_EQ(select({kNaN, kNaN, -1}, 2), (std::vector<std::int32_t>{2, 0}));
  EXPECT_EQ(select({4, 5}, 0), std::vector<std::int32_t>{});
  EXPECT_EQ(select({}, 0), std::vector<std::int32_t>{});
  EXPECT_EQ(select({4, 5}, 3), (std::vector<std::int32_t>{1, 0, -1}));
}

TEST_P(SelectTopTest, AgreesWithSorting) {
  Numbers numbers(3);
  std::vector<double> values = numbers.matrix(5000, 1).data;
  for (double& x : values) x = std::floor(1000 * x);  // many ties
  std::vector<std::int32_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
  });
  order.resize(64);
  EXPECT_EQ(select(values, 64), order);
}

TEST_P(SelectTopTest, AnyNumberOfWinners) {
  Numbers numbers(4);
  for (const std::size_t size : {1, 2, 33, 257, 2047, 2048, 2049, 4200}) {
    std::vector<double> values = numbers.matrix(static_cast<std::int64_t>(size), 1).data;
    for (std::size_t i = 0; i < size; ++i) {
      values[i] = std::floor(500 * values[i]) - 250;  // ties, on both sides of zero
      if (values[i] == 0 && i % 2 == 1) values[i] = -0.0;
      if (i % 7 == 3) values[i] = std::nan("");
    }
    std::vector<std::int32_t> order(size);
    for (std::size_t i = 0; i < size; ++i) order[i] = static_cast<std::int32_t>(i);
    const auto value = [&](std::int32_t i) { return values[static_cast<std::size_t>(i)]; };
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return std::isnan(value(a)) != std::isnan(value(b)) ? std::isnan(value(b)) : value(a) > value(b);
    });
    for (const std::size_t count : {1, 7, 32, 1024, 1025, 2300}) {
      SCOPED_TRACE(std::to_string(count) + " of " + std::to_string(size));
      std::vector<std::int32_t> expected = order;
      expected.resize(count, -1);
      EXPECT_EQ(select(values, static_cast<std::int64_t>(count)), expected);
    }
  }
  EXPECT_EQ(select({}, 3), (std::vector<std::int32_t>{-1, -1, -1}));
}

INSTANTIATE_TEST_SUITE_P(Backends, FillTest, ::testing::ValuesIn(backends()), case_name);
INSTANTIATE_TEST_SUITE_P(Backends, SelectTopTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
