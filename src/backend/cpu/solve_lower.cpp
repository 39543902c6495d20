#include "backend/cpu/blocked.hpp"
#include "backend/cpu/cpu_backend.hpp"

#include <algorithm>

namespace warpbo::backend {

void CpuBackend::run(const SolveLower& solve) {
  using cpu::Op;
  constexpr std::int64_t kTaskColumns = 64;
  const std::int64_t n = solve.factor.rows, columns = solve.right.columns;
  if (solve.right.empty()) return;
  const std::int64_t tasks = (columns + kTaskColumns - 1) / kTaskColumns;
  const double size = static_cast<double>(n);
  const double flops = size * size * static_cast<double>(columns) * static_cast<double>(solve.right.batch);
  team_.each(solve.right.batch * tasks, cpu::dense_cost(flops), [&](std::int64_t task) {
    const std::int64_t p = task / tasks, column = task % tasks * kTaskColumns;
    cpu::trsm_lower(cpu::Side::left, solve.transposed ? Op::transpose : Op::none, n, std::min(kTaskColumns, columns - column),
                    1, solve.factor.member(p).data, solve.factor.leading,
                    solve.right.member(p).data + column * solve.right.leading, solve.right.leading);
  });
}

}  // namespace warpbo::backend
