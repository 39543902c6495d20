/// A limit of time that work asks about while it goes on.
#pragma once

#include <chrono>
#include <limits>

namespace warpbo {

class Deadline {
 public:
  /// Never passes.
  Deadline() = default;
  /// Passes `seconds` from now; 0 or less: never.
  explicit Deadline(double seconds) {
    if (seconds > 0 && seconds < 1e9)
      end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  [[nodiscard]] bool limited() const noexcept { return end_ != Clock::time_point::max(); }
  [[nodiscard]] bool passed() const { return limited() && Clock::now() >= end_; }
  /// Seconds until it passes; infinite if it never does.
  [[nodiscard]] double left() const {
    if (!limited()) return std::numeric_limits<double>::infinity();
    return std::chrono::duration<double>(end_ - Clock::now()).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point end_ = Clock::time_point::max();
};

}  // namespace warpbo
