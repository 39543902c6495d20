/// Threads that work on one study each, some of which may be stuck in code that is not ours.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace warpbo::study {

/// Runs tasks in their order. A task that waits for something (a store, a sleeping strategy) makes room for another thread when
/// `relieve` is called; whoever waits for tasks calls it now and then. What a task computes with the process's thread pool runs
/// on its own thread while other tasks wait.
class Crew {
 public:
  /// threads = 0: as many as the process's pool has.
  explicit Crew(int threads);
  /// Tasks that have begun are waited for, the others dropped.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// `task` must not throw.
  void add(std::function<void()> task);
  /// Starts a spare thread if tasks wait and some thread is stuck. Cheap.
  void relieve();
  /// Threads at work or waiting for it, spare ones included.
  [[nodiscard]] std::size_t threads() const;

 private:
  struct Worker;
  void start(bool spare);  // with the mutex held
  void serve(Worker& self);
  void join_ended();  // with the mutex held

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace warpbo::study
