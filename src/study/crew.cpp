#include "study/crew.hpp"

#include "base/thread_pool.hpp"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <utility>

namespace warpbo::study {

namespace {

/// Spare threads beyond this number would only pile up behind whatever all of them wait for.
constexpr std::size_t kMostSpares = 64;
/// A task that has run this long and computed less than a fifth of it waits for something.
constexpr double kStuckAfter = 0.1;
constexpr double kComputingShare = 0.2;
/// One that has run this long does not keep others waiting, whatever it does.
constexpr double kTooLong = 5;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double seconds_of(clockid_t clock) {
  timespec time{};
  return clock_gettime(clock, &time) == 0 ? static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec) : 0;
}

}  // namespace

struct Crew::Worker {
  std::thread thread;
  bool spare = false;
  // All of these are guarded by the crew's mutex.
  bool working = false, ended = false;
  double began = 0, computed = 0;  // when the task began, and what the thread had computed by then
  clockid_t clock{};

  [[nodiscard]] bool stuck() const {
    if (!working) return false;
    const double passed = now() - began;
    return passed > kTooLong || (passed > kStuckAfter && seconds_of(clock) - computed < kComputingShare * passed);
  }
};

struct Crew::State {
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> tasks;
  std::atomic<std::int64_t> waiting{0};  // tasks.size()
  std::list<Worker> workers;
  std::size_t regular = 0;
  bool ending = false;
};

Crew::Crew(int threads) : state_(std::make_unique<State>()) {
  const std::lock_guard lock(state_->mutex);
  state_->regular = static_cast<std::size_t>(threads > 0 ? threads : shared_thread_pool().threads());
  for (std::size_t i = 0; i < state_->regular; ++i) start(false);
}

Crew::~Crew() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
    state_->tasks.clear();
  }
  state_->wake.notify_all();
  for (Worker& worker : state_->workers) worker.thread.join();
}

void Crew::start(bool spare) {
  Worker& worker = state_->workers.emplace_back();
  worker.spare = spare;
  worker.thread = std::thread([this, &worker] { serve(worker); });
}

void Crew::join_ended() {
  std::erase_if(state_->workers, [](Worker& worker) {
    if (!worker.ended) return false;
    worker.thread.join();
    return true;
  });
}

void Crew::serve(Worker& self) {
  State& state = *state_;
  const ThreadPool::AloneWhile alone(state.waiting);
  std::unique_lock lock(state.mutex);
  pthread_getcpuclockid(pthread_self(), &self.clock);
  for (;;) {
    if (self.spare && state.tasks.empty()) break;
    state.wake.wait(lock, [&] { return state.ending || !state.tasks.empty(); });
    if (state.ending) break;
    std::function<void()> task = std::move(state.tasks.front());
    state.tasks.pop_front();
    --state.waiting;
    self.began = now();
    self.computed = seconds_of(self.clock);
    self.working = true;
    lock.unlock();
    task();
    task = nullptr;  // what it holds is released before the lock is taken
    lock.lock();
    self.working = false;
  }
  self.ended = true;
}

void Crew::add(std::function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->tasks.push_back(std::move(task));
    ++state_->waiting;
  }
  state_->wake.notify_one();
}

void Crew::relieve() {
  const std::lock_guard lock(state_->mutex);
  join_ended();
  if (state_->tasks.empty()) return;
  const auto stuck = static_cast<std::size_t>(
      std::count_if(state_->workers.begin(), state_->workers.end(), [](const Worker& worker) { return worker.stuck(); }));
  if (state_->workers.size() < state_->regular + std::min(stuck, kMostSpares)) start(true);
}

std::size_t Crew::threads() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<std::size_t>(
      std::count_if(state_->workers.begin(), state_->workers.end(), [](const Worker& worker) { return !worker.ended; }));
}

}  // namespace warpbo::study
