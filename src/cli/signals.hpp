/// Signals as something to poll for.
#pragma once

#include <optional>

namespace warpbo::cli {

/// Catches SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT and SIGWINCH while it exists, and ignores SIGPIPE and SIGXFSZ. One object
/// at a time.
class SignalPipe {
 public:
  SignalPipe();
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

  [[nodiscard]] int fd() const noexcept;
  /// The next signal that arrived, or nothing.
  [[nodiscard]] std::optional<int> next();
  /// Stops this process as SIGTSTP would have; returns when it goes on.
  static void suspend();
};

}  // namespace warpbo::cli
