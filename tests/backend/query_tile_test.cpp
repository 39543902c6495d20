/// What the CUDA engine does for a tile of queries, counted on the stand-in: launches, and tiles that do not fit.
#include "backend/cuda/cuda_backend.hpp"
#include "backend/posterior_fixture.hpp"
#include "emulation/emulation.hpp"

#include <warpbo/error.hpp>

namespace warpbo::backend::testing {
namespace {

class QueryTileTest : public ::testing::Test {
 protected:
  ~QueryTileTest() override {
    emulation::set_faults({});
    emulation::set_options(before_);
  }

  /// Kernels and library calls of one evaluation, the first one not counted.
  std::int64_t launches(const Acquisition& call) {
    backend->run(call);
    backend->synchronize();
    emulation::reset_counters();
    backend->run(call);
    backend->synchronize();
    return emulation::counters().launches;
  }

  emulation::Options before_ = emulation::options();
  std::shared_ptr<Backend> backend = make_cuda_engine(0);
};

TEST_F(QueryTileTest, ARoundOfAClimbIsAHandfulOfLaunches) {
  const Problem problem(100, 4, 0, math::KernelFamily::matern52, 3);
  constexpr std::int64_t m = 20;
  const Guarded at(backend, random_queries(problem, m, 11)), gradient(backend, m, 4);
  const Buffer<double> value(backend, m);
  const Buffer<std::int32_t> active = make_buffer(backend, std::vector<std::int32_t>{m});
  for (const auto& [samples, expected] : std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 4}, {64, 5}}) {
    const FittedModel fitted(backend, problem, samples, 0, 1);
    const Buffer<double> best = make_buffer(backend, std::vector<double>(static_cast<std::size_t>(samples), -1.0));
    EXPECT_EQ(launches(Acquisition{fitted.model(),
                                   {AcquisitionKind::log_ei, best.view(), 0},
                                   at.view(),
                                   active.data(),
                                   value.view(),
                                   gradient.view()}),
              expected);
  }
  const Problem larger(300, 4, 0, math::KernelFamily::matern52, 3);
  const FittedModel fitted(backend, larger, 64, 0, 1);
  const Buffer<double> best = make_buffer(backend, std::vector<double>(64, -1.0));
  EXPECT_EQ(
      launches(Acquisition{
          fitted.model(), {AcquisitionKind::log_ei, best.view(), 0}, at.view(), active.data(), value.view(), gradient.view()}),
      6);
}

TEST_F(QueryTileTest, ATileThatDoesNotFitIsHalved) {
  constexpr std::int64_t n = 200, m = 1000;
  const Problem problem(n, 2, 0, math::KernelFamily::matern52, 3);
  const FittedModel fitted(backend, problem, 1, 0, 1);
  const HostMatrix queries = random_queries(problem, m, 11);
  const Guarded at(backend, queries);
  const Buffer<double> mean(backend, m), variance(backend, m);
  Posterior call;
  call.model = fitted.model();
  call.queries = at.view();
  call.mean = mean.matrix(m, 1);
  call.variance = variance.view();
  emulation::Options tight = before_;
  tight.memory_limit = emulation::live_bytes() + (std::size_t{9} << 18);  // a tile of all queries takes 3.3 MB
  emulation::set_options(tight);
  backend->run(call);
  for (std::int64_t q = 0; q < m; q += 37) {
    const FittedModel::Moments expected = fitted.moments(queries, q);
    EXPECT_NEAR(fetch(mean)[static_cast<std::size_t>(q)], static_cast<double>(expected.mean[0]), 1e-11);
    EXPECT_NEAR(fetch(variance)[static_cast<std::size_t>(q)], static_cast<double>(expected.variance), 1e-12);
  }
}

TEST_F(QueryTileTest, WhatDoesNotFitInTheNarrowestTileIsAnErrorAfterWhichTheEngineGoesOn) {
  constexpr std::int64_t n = 300, m = 500;
  const Problem problem(n, 2, 0, math::KernelFamily::matern52, 3);
  const FittedModel fitted(backend, problem, 1, 0, 1);
  const HostMatrix queries = random_queries(problem, m, 11);
  const Guarded at(backend, queries);
  const Buffer<double> variance(backend, m);
  Posterior call;
  call.model = fitted.model();
  call.queries = at.view();
  call.variance = variance.view();
  emulation::set_faults({.allocation = 1, .later_allocations_too = true});
  try {
    backend->run(call);
    FAIL() << "memory was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource_exhausted);
  }
  emulation::set_faults({});
  backend->run(call);
  EXPECT_NEAR(fetch(variance)[m - 1], static_cast<double>(fitted.moments(queries, m - 1).variance), 1e-12);
}

}  // namespace
}  // namespace warpbo::backend::testing
