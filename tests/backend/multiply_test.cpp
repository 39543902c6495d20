#include "backend/fixture.hpp"

#include <array>
#include <limits>

namespace warpbo::backend::testing {
namespace {

class MultiplyTest : public Conformance {};

TEST_P(MultiplyTest, AllShapesAndTranspositions) {
  const std::vector<std::vector<std::int64_t>> shapes = {{1, 1, 1},    {2, 3, 4},      {33, 31, 32},  {5, 0, 7},    {5, 7, 0},
                                                         {0, 4, 4},    {300, 140, 65}, {257, 1, 257}, {2, 2, 1100}, {8, 8, 17},
                                                         {64, 64, 64}, {65, 63, 129},  {520, 3, 33}};
  for (const auto& shape : shapes)
    for (const bool left_transposed : {false, true})
      for (const bool right_transposed : {false, true}) {
        const std::int64_t m = shape[0], n = shape[1], inner = shape[2];
        SCOPED_TRACE(std::to_string(m) + " " + std::to_string(n) + " " + std::to_string(inner));
        Numbers numbers(5);
        const HostMatrix a = left_transposed ? numbers.matrix(inner, m) : numbers.matrix(m, inner);
        const HostMatrix b = right_transposed ? numbers.matrix(n, inner) : numbers.matrix(inner, n);
        const HostMatrix c = numbers.matrix(m, n);
        const Guarded left(backend, a), right(backend, b), out(backend, c);
        backend->run(Multiply{left.view(), left_transposed, false, right.view(), right_transposed, 1.5, -0.5, out.view()});
        out.expect_guards();
        LongMatrix expected = reference_product(widen(a), left_transposed, widen(b), right_transposed);
        for (std::size_t i = 0; i < expected.data.size(); ++i) expected.data[i] = 1.5L * expected.data[i] - 0.5L * c.data[i];
        expect_near(out.download(), expected, 1e-14);
      }
}

TEST_P(MultiplyTest, LowerTriangularLeftNeverReadsAbove) {
  for (const std::int64_t n : {1, 2, 33, 64, 100, 257, 600})
    for (const std::int64_t m : {1, 20, 150})
      for (const bool transposed : {false, true})
        for (const bool right_transposed : {false, true}) {
          if (n == 600 && m == 150) continue;
          SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(m));
          Numbers numbers(5);
          HostMatrix a = numbers.matrix(n, n);
          LongMatrix lower = widen(a);
          for (std::int64_t j = 0; j < n; ++j)
            for (std::int64_t i = 0; i < j; ++i) a(i, j) = std::numeric_limits<double>::quiet_NaN(), lower(i, j) = 0;
          const HostMatrix b = right_transposed ? numbers.matrix(m, n) : numbers.matrix(n, m);
          // keep = 0 must not read what was there: the sentinels are NaN.
          const Guarded left(backend, a), right(backend, b), out(backend, n, m);
          backend->run(Multiply{left.view(), transposed, true, right.view(), right_transposed, 1, 0, out.view()});
          out.expect_guards();
          expect_near(out.download(), reference_product(lower, transposed, widen(b), right_transposed), 1e-14);
        }
}

TEST_P(MultiplyTest, LowerTriangularLeftOfEveryNumberOfColumns) {
  // n beyond what an engine may keep of a row at a time; numbers of columns around those that share a way of doing it.
  const std::vector<std::pair<std::int64_t, std::int64_t>> shapes = {{1031, 1}, {1031, 5}, {300, 2},  {300, 3},  {130, 8},
                                                                     {130, 9},  {129, 16}, {129, 17}, {130, 33}, {70, 64},
                                                                     {70, 65},  {16, 100}, {17, 100}, {300, 130}};
  for (const auto& [n, m] : shapes)
    for (const bool transposed : {false, true}) {
      SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(m));
      Numbers numbers(5);
      HostMatrix a = numbers.matrix(n, n);
      const HostMatrix b = numbers.matrix(n, m), c = numbers.matrix(n, m);
      LongMatrix expected(n, m);
      for (std::int64_t j = 0; j < m; ++j)
        for (std::int64_t i = 0; i < n; ++i) {
          long double sum = 0;
          for (std::int64_t k = transposed ? i : 0; k < (transposed ? n : i + 1); ++k)
            sum += static_cast<long double>(transposed ? a(k, i) : a(i, k)) * b(k, j);
          expected(i, j) = -1.5L * sum + 0.25L * c(i, j);
        }
      for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t i = 0; i < j; ++i) a(i, j) = std::numeric_limits<double>::quiet_NaN();
      const Guarded left(backend, a), right(backend, b), out(backend, c);
      backend->run(Multiply{left.view(), transposed, true, right.view(), false, -1.5, 0.25, out.view()});
      out.expect_guards();
      expect_near(out.download(), expected, 1e-14);
    }
}

TEST_P(MultiplyTest, BatchesOfLowerTriangles) {
  constexpr std::int64_t n = 70, batch = 3;
  for (const std::int64_t m : {3, 90}) {
    Numbers numbers(8);
    Guarded left(backend, n, n, batch), right(backend, n, m, batch);
    const Guarded out(backend, n, m, batch);
    std::vector<LongMatrix> expected;
    for (std::int64_t p = 0; p < batch; ++p) {
      HostMatrix a = numbers.matrix(n, n);
      const HostMatrix b = numbers.matrix(n, m);
      LongMatrix lower = widen(a);
      for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t i = 0; i < j; ++i) a(i, j) = std::numeric_limits<double>::quiet_NaN(), lower(i, j) = 0;
      left.upload(a, p);
      right.upload(b, p);
      expected.push_back(reference_product(lower, true, widen(b), false));
    }
    backend->run(Multiply{left.view(), true, true, right.view(), false, 1, 0, out.view()});
    out.expect_guards();
    for (std::int64_t p = 0; p < batch; ++p) expect_near(out.download(p), expected[static_cast<std::size_t>(p)], 1e-14);
  }
}

TEST_P(MultiplyTest, WhatIsNotKeptMayBeAnything) {
  // keep = 0 overwrites NaN in every shape.
  for (const auto& [m, n, inner] :
       std::vector<std::array<std::int64_t, 3>>{{40, 30, 5}, {3, 2, 200}, {40, 40, 40}, {70, 70, 0}}) {
    SCOPED_TRACE(std::to_string(m) + " " + std::to_string(n) + " " + std::to_string(inner));
    Numbers numbers(5);
    const HostMatrix a = numbers.matrix(m, inner), b = numbers.matrix(inner, n);
    const Guarded left(backend, a), right(backend, b), out(backend, m, n);
    backend->run(Multiply{left.view(), false, false, right.view(), false, 1, 0, out.view()});
    out.expect_guards();
    expect_near(out.download(), reference_product(widen(a), false, widen(b), false), 1e-14);
  }
}

TEST_P(MultiplyTest, BatchesWithASharedLeftSide) {
  constexpr std::int64_t m = 6, n = 4, inner = 5, batch = 3;
  Numbers numbers(8);
  const HostMatrix a = numbers.matrix(m, inner);
  const Guarded left(backend, a), out(backend, m, n, batch);
  Guarded right(backend, inner, n, batch);
  std::vector<LongMatrix> expected;
  for (std::int64_t p = 0; p < batch; ++p) {
    const HostMatrix b = numbers.matrix(inner, n);
    right.upload(b, p);
    expected.push_back(reference_product(widen(a), false, widen(b), false));
  }
  backend->run(Multiply{left.view(), false, false, right.view(), false, 1, 0, out.view()});
  out.expect_guards();
  for (std::int64_t p = 0; p < batch; ++p) expect_near(out.download(p), expected[static_cast<std::size_t>(p)], 1e-14);
}

INSTANTIATE_TEST_SUITE_P(Backends, MultiplyTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
