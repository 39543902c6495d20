/// Threads that block while idle, shared by all backends of the process.
///
/// The numerical libraries underneath run single-threaded; parallelism lives here, above them. Spinning pools collapse when the
/// machine is busy (bench/README.md), so a waiting thread sleeps on a condition variable.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace warpbo {

class ThreadPool {
 public:
  /// A pool whose `parallel_for` uses up to `threads` threads, the caller included. 0: the cores this process may run on.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const noexcept;

  /// Calls body(i) for i in [0, count), each once, in no particular order, on the caller and the pool's threads; returns when
  /// all are done. The caller takes part, so a nested call or a busy pool is slow at worst, never a deadlock. The first
  /// exception is rethrown here after all started calls ended.
  void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body);

  /// While an object of this lives, a parallel_for that is called on its thread runs on that thread alone whenever `waiting` >
  /// 0: there is other work for the other threads, and handing out a small loop costs more than it gains.
  class AloneWhile {
   public:
    explicit AloneWhile(const std::atomic<std::int64_t>& waiting) noexcept;
    AloneWhile(const AloneWhile&) = delete;
    AloneWhile& operator=(const AloneWhile&) = delete;
    ~AloneWhile();

   private:
    const std::atomic<std::int64_t>* before_;
  };

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The pool that all CPU backends share. Made at first use and again in a child process after fork().
[[nodiscard]] ThreadPool& shared_thread_pool();

}  // namespace warpbo
