/// Who works on an operation: the calling thread, or up to `limit` threads of the process's pool.
#pragma once

#include <cstdint>
#include <functional>

namespace warpbo::backend::cpu {

class Team {
 public:
  /// limit = 0: all of the pool's threads; 1: the calling thread alone.
  explicit Team(int limit) noexcept : limit_(limit) {}

  /// Calls body(i) for i in [0, count), in no particular order. `cost` is a rough figure for all calls together in nanoseconds
  /// of one core: below what waking a thread takes the caller does everything itself.
  void each(std::int64_t count, double cost, const std::function<void(std::int64_t)>& body) const;

  /// The calling thread alone.
  static Team alone() noexcept { return Team(1); }

 private:
  int limit_;
};

}  // namespace warpbo::backend::cpu
