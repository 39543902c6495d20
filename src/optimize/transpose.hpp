/// Between the host's row-major points and the backend's column-major matrices.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::optimize {

/// rows x columns in row-major order -> the same matrix in column-major order (or the reverse, with the sizes swapped).
[[nodiscard]] inline std::vector<double> transposed(std::span<const double> from, std::int64_t rows, std::int64_t columns) {
  std::vector<double> out(from.size());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t k = 0; k < columns; ++k)
      out[static_cast<std::size_t>(i + k * rows)] = from[static_cast<std::size_t>(i * columns + k)];
  return out;
}

}  // namespace warpbo::optimize
