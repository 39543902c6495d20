#pragma once

#include "math/host_device.hpp"

#include <cstdint>

namespace warpbo::backend::cuda {

/// Which of a call's queries a tile holds, and how many of them are in use.
struct QueryRows {
  const std::int32_t* active = nullptr;  ///< how many of the call's, in device memory; null: all
  std::int64_t first = 0;                ///< the tile's first query among the call's
  std::int64_t count = 0;                ///< of the tile

  /// On the device.
  [[nodiscard]] WARPBO_HD std::int64_t used() const {
    if (active == nullptr) return count;
    const std::int64_t rest = *active - first;
    return rest < 0 ? 0 : (rest < count ? rest : count);
  }
};

}  // namespace warpbo::backend::cuda
