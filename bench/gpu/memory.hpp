/// The memory that a case took.
#pragma once

#include <string>

namespace warpbo::bench {

/// On the CPU the largest resident size since the watch began. On a CUDA device the memory that has been taken from it: an
/// engine's pool keeps what was freed, so this is the engine's largest use as long as the engine lives, libraries included.
class MemoryWatch {
 public:
  explicit MemoryWatch(const std::string& engine);
  /// Bytes since the watch began, or a negative number where that cannot be told.
  [[nodiscard]] double peak() const;

 private:
  [[nodiscard]] double used() const;
  bool device_;
  double before_;
};

}  // namespace warpbo::bench
