/// Runs one attempt at one trial inside a worker process.
///
/// The caller must be single-threaded and a subreaper (PR_SET_CHILD_SUBREAPER), so that whatever the command starts, however it
/// detaches itself, becomes a child of the worker at the latest when its parent ends, and can be ended without guessing.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>

#include "cli/metric.hpp"
#include "cli/trial_log.hpp"
#include "cli/work.hpp"

namespace warpbo::cli {

class TrialProcess {
 public:
  /// `control` is the socket to warpbo: 'T' asks to end the trial, 'K' to kill it, its end means that warpbo is gone.
  TrialProcess(const WorkRequest& request, int control);
  ~TrialProcess();
  TrialProcess(const TrialProcess&) = delete;
  TrialProcess& operator=(const TrialProcess&) = delete;

  /// Returns when the command and everything it started are gone. `orphaned` is set when warpbo itself has gone.
  WorkResult run(bool& orphaned);

 private:
  using Clock = std::chrono::steady_clock;
  struct Stream;

  void prepare();
  bool spawn();
  void pump(int wait_ms);
  void on_control();
  void reap();
  void advance();
  void signal_all(int signal);
  void begin_stop(WorkResult::End reason);
  [[nodiscard]] int wait_ms() const;
  void read_result();
  void write_record() const;

  const WorkRequest& request_;
  int control_;
  int children_signal_ = -1;  ///< signalfd for SIGCHLD
  std::unique_ptr<Stream> out_, err_;
  WorkResult result_;
  pid_t leader_ = -1;
  bool leader_done_ = false, no_children_ = false, stopping_ = false, settled_ = false, orphaned_ = false;
  Clock::time_point started_, kill_at_, leader_ended_;
  std::string path_before_;  ///< identity of a metric file that existed before the command began
};

}  // namespace warpbo::cli
