/// One small supervisor process per job slot.
///
/// Each worker is forked before warpbo has any thread, stays single-threaded, runs one trial at a time and is a subreaper for
/// it. It ends everything the trial started when the trial is over, when it is told to, and when warpbo vanishes, since then
/// its socket closes. If a worker itself is killed, its command dies with it (PR_SET_PDEATHSIG) and warpbo, a subreaper too,
/// ends the rest.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "cli/work.hpp"

namespace warpbo::cli {

class WorkerPool {
 public:
  /// Forks `count` workers. Call it before the first thread starts. Throws `unavailable`.
  explicit WorkerPool(int count);
  /// Kills what still runs and waits for the workers.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] int size() const noexcept { return static_cast<int>(workers_.size()); }
  /// To poll for reading; -1 when the worker is gone.
  [[nodiscard]] int socket(int worker) const { return workers_[static_cast<std::size_t>(worker)].socket; }
  [[nodiscard]] bool alive(int worker) const { return socket(worker) >= 0; }
  [[nodiscard]] bool busy(int worker) const { return workers_[static_cast<std::size_t>(worker)].busy; }

  void start(int worker, const WorkRequest& request);
  /// Ends the worker's trial: SIGTERM, grace, SIGKILL; or SIGKILL at once.
  void stop(int worker, bool at_once);
  /// The result, when the socket is readable. A worker that is gone gives `End::lost` if it was busy.
  std::optional<WorkResult> collect(int worker);

 private:
  struct Worker {
    pid_t pid = -1;
    int socket = -1;
    bool busy = false;
  };
  void bury(Worker& worker);
  std::vector<Worker> workers_;
};

}  // namespace warpbo::cli
