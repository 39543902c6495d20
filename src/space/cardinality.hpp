/// How many points a space has.
#pragma once

#include "space/compiled.hpp"

#include <cstdint>
#include <optional>

namespace warpbo::space {

/// The number of distinct points, absent parameters counting as one value; linear constraints are not counted out. Nothing if a
/// parameter is continuous, the number passes 2^62, or conditions interlock so much that counting takes more than a million
/// steps.
[[nodiscard]] std::optional<std::int64_t> count_points(const Compiled& compiled);

}  // namespace warpbo::space
