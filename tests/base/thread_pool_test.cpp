#include "base/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace warpbo {
namespace {

TEST(ThreadPool, RunsEveryIndexOnce) {
  ThreadPool pool(4);
  for (const int count : {0, 1, 2, 3, 1000}) {
    std::vector<int> calls(static_cast<std::size_t>(count), 0);
    pool.parallel_for(count, [&](std::int64_t i) { ++calls[static_cast<std::size_t>(i)]; });
    for (const int c : calls) EXPECT_EQ(c, 1);
  }
}

TEST(ThreadPool, NestedAndConcurrentCallsFinish) {
  ThreadPool pool(3);
  std::atomic<int> total{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round)
        pool.parallel_for(8, [&](std::int64_t) { pool.parallel_for(4, [&](std::int64_t) { ++total; }); });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 4 * 50 * 8 * 4);
}

TEST(ThreadPool, AnExceptionReachesTheCaller) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(100, [](std::int64_t i) { if (i == 17) throw std::runtime_error("seventeen"); }),
               std::runtime_error);
  int after = 0;
  pool.parallel_for(1, [&](std::int64_t) { ++after; });
  EXPECT_EQ(after, 1);
}

}  // namespace
}  // namespace warpbo
