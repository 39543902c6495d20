#include "base/thread_pool.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

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

TEST(ThreadPool, AForkedChildGetsThreadsOfItsOwn) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer ends a forked child that starts threads";
#endif
  std::atomic<int> calls{0};
  shared_thread_pool().parallel_for(64, [&](std::int64_t) { ++calls; });
  EXPECT_EQ(calls.load(), 64);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);  // a pool whose threads stayed behind in the parent would wait for ever
    std::atomic<int> in_child{0};
    for (int round = 0; round < 10; ++round) shared_thread_pool().parallel_for(64, [&](std::int64_t) { ++in_child; });
    _exit(in_child.load() == 640 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace warpbo
