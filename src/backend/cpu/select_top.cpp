#include "backend/cpu/cpu_backend.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace warpbo::backend {

void CpuBackend::run(const SelectTop& select) {
  const auto size = static_cast<std::int32_t>(select.values.size);
  const std::int64_t count = std::min(select.indices.size, select.values.size);
  std::vector<std::int32_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  const double* values = select.values.data;
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [values](std::int32_t a, std::int32_t b) {
    const double x = values[a], y = values[b];
    const bool x_nan = std::isnan(x), y_nan = std::isnan(y);
    if (x_nan != y_nan) return y_nan;
    if (!x_nan && x != y) return x > y;
    return a < b;
  });
  std::copy_n(order.begin(), count, select.indices.data);
  std::fill(select.indices.data + count, select.indices.data + select.indices.size, -1);
}

}  // namespace warpbo::backend
