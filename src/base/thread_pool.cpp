#include "base/thread_pool.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace warpbo {

namespace {

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// Of the calling thread; null: it is never to work alone.
thread_local const std::atomic<std::int64_t>* alone_while = nullptr;

/// One parallel_for: threads draw indices until none is left.
struct Loop {
  std::int64_t count = 0;
  const std::function<void(std::int64_t)>* body = nullptr;
  std::atomic<std::int64_t> next{0};
  std::int64_t users = 0;  // threads inside; guarded by the pool's mutex
  std::exception_ptr error;
  std::mutex error_mutex;

  void work() {
    for (std::int64_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      try {
        (*body)(i);
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
        next.store(count);
      }
    }
  }
};

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake;  // a loop was added, or the pool ends
  std::condition_variable left;  // a thread left a loop
  std::deque<Loop*> loops;
  std::vector<std::thread> workers;
  bool ending = false;

  void serve() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return ending || !loops.empty(); });
      if (ending) return;
      Loop* loop = loops.front();
      if (loop->next.load() >= loop->count) {
        loops.pop_front();
        continue;
      }
      ++loop->users;
      lock.unlock();
      loop->work();
      lock.lock();
      --loop->users;
      left.notify_all();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads <= 0) threads = available_cores();
  for (int i = 1; i < threads; ++i) state_->workers.emplace_back([state = state_.get()] { state->serve(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const noexcept { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  if (count <= 0) return;
  if (count == 1 || state_->workers.empty() || (alone_while != nullptr && alone_while->load(std::memory_order_relaxed) > 0)) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  Loop loop;
  loop.count = count;
  loop.body = &body;
  {
    const std::lock_guard lock(state_->mutex);
    state_->loops.push_back(&loop);
  }
  if (count - 1 < static_cast<std::int64_t>(state_->workers.size())) {
    for (std::int64_t i = 1; i < count; ++i) state_->wake.notify_one();
  } else {
    state_->wake.notify_all();
  }
  loop.work();
  std::unique_lock lock(state_->mutex);
  std::erase(state_->loops, &loop);
  state_->left.wait(lock, [&] { return loop.users == 0; });
  lock.unlock();
  if (loop.error) std::rethrow_exception(loop.error);
}

ThreadPool::AloneWhile::AloneWhile(const std::atomic<std::int64_t>& waiting) noexcept : before_(alone_while) {
  alone_while = &waiting;
}

ThreadPool::AloneWhile::~AloneWhile() { alone_while = before_; }

ThreadPool& shared_thread_pool() {
  // Threads do not survive fork(): a child gets a pool of its own, and the parent's (whose threads are gone there) is left
  // alone.
  static std::mutex mutex;
  static ThreadPool* pool = nullptr;
  static pid_t owner = 0;
  const std::lock_guard lock(mutex);
  if (pool == nullptr || owner != getpid()) {
    pool = new ThreadPool(0);
    owner = getpid();
  }
  return *pool;
}

}  // namespace warpbo
