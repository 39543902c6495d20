#include "backend/fixture.hpp"

namespace warpbo::backend::testing {
namespace {

class RoundTest : public Conformance {};

TEST_P(RoundTest, RunsTheOperationsAsOftenAsAsked) {
  // x <- x * x for a 1 x 1 matrix: 2, 4, 16, 256, 65536, 2^32. The same number of rounds again and again, then another.
  const Buffer<double> x = make_buffer<double>(backend, {2});
  const Buffer<double> y(backend, 1);
  const auto round = backend->record([&] {
    backend->run(Multiply{x.matrix(1, 1), false, false, x.matrix(1, 1), false, 1, 0, y.matrix(1, 1)});
    backend->copy(y.matrix(1, 1), x.matrix(1, 1));
  });
  round->run(0);
  EXPECT_EQ(fetch(x)[0], 2);
  round->run(1);
  EXPECT_EQ(fetch(x)[0], 4);
  for (const double expected : {16.0, 256.0}) {
    round->run(1);
    EXPECT_EQ(fetch(x)[0], expected);
  }
  round->run(2);
  EXPECT_EQ(fetch(x)[0], 4294967296.0);
}

TEST_P(RoundTest, OperationsThatLookAtResultsAreNotReplayed) {
  // The host takes part: what it reads differs from round to round.
  const Buffer<double> x = make_buffer<double>(backend, {1});
  std::vector<double> seen;
  const auto round = backend->record([&] {
    seen.push_back(fetch(x)[0]);
    const double next = seen.back() + 1;
    backend->upload(x.data(), &next, sizeof next);
  });
  round->run(6);
  EXPECT_EQ(seen, (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

INSTANTIATE_TEST_SUITE_P(Backends, RoundTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
