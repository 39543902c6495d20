/// The sweep: asks for trials, runs the command for each, tells the results, until the budget is used.
#pragma once

#include <warpbo/study.hpp>

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/asker.hpp"
#include "cli/command.hpp"
#include "cli/config.hpp"
#include "cli/display.hpp"
#include "cli/signals.hpp"
#include "cli/worker_pool.hpp"

namespace warpbo::cli {

/// Exit codes of every command.
enum Exit { kDone = 0, kUsage = 1, kNoSuccess = 2, kStoreError = 3, kInterrupted = 4 };

/// Sentences from the library, from any thread, until the main loop prints them.
class NoticeBox {
 public:
  void put(std::string_view text);
  [[nodiscard]] std::vector<std::string> take();

 private:
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

class Runner {
 public:
  Runner(const Config& config, Study& study, WorkerPool& workers, SignalPipe& signals, Screen& screen, NoticeBox& notices);

  /// Returns the exit code. The summary is printed by the caller.
  int run();
  [[nodiscard]] double elapsed() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Slot {
    std::optional<Trial> trial;
    int attempt = 1;
    Clock::time_point since;
    bool requeue = false;  ///< its group is being ended because the user asked twice
  };
  struct Report {
    std::int64_t number = 0;
    Verdict verdict;
    double seconds = 0;
    Parameters parameters;
  };

  void wait();
  void on_signals();
  void on_answer();
  void on_result(int worker, const WorkResult& result);
  void ask_for_more();
  void start_ready();
  void start(int worker, const Trial& trial, int attempt);
  void deliver(Report report);
  bool store(const Report& report);
  void retry_reports();
  void announce(const Report& report);
  void count_spawn_error(const WorkResult& result, const std::string& failure);
  void check_limits();
  void stop_asking(std::string reason, int code);
  void end_running(bool at_once);
  void give_back(std::int64_t number);
  void refresh(bool force);
  void draw();
  void notice(const std::string& text);
  [[nodiscard]] int running() const;
  [[nodiscard]] bool better(double value) const;

  const Config& config_;
  Study& study_;
  WorkerPool& workers_;
  SignalPipe& signals_;
  Screen& screen_;
  NoticeBox& notices_;
  CommandTemplate command_;
  MetricRule rule_;
  std::string run_directory_, working_directory_;  ///< absolute
  Asker asker_;
  std::vector<Slot> slots_;
  std::vector<Trial> ready_;         ///< asked for, not started yet
  std::vector<Report> undelivered_;  ///< results that the store did not take
  Clock::time_point started_ = Clock::now(), asked_at_, refreshed_, retried_;
  bool finished_ = false;  ///< there is nothing more to ask for, for now
  std::string stopping_;   ///< why nothing is asked for any more; empty while going on
  int code_ = kDone;
  int interrupts_ = 0;
  bool hung_up_ = false;
  int retries_left_ = 10;
  std::string spawn_error_;
  int spawn_errors_ = 0;
  std::map<std::string, int> told_;  ///< notices already printed
  RunView view_;
};

}  // namespace warpbo::cli
