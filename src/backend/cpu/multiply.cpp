#include "backend/cpu/blocked.hpp"
#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/few_columns.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace cpu {

namespace {

/// Up to so many the copies that the dense library makes of L cost more than its kernel saves.
constexpr std::int64_t kFewColumns = 8;

}  // namespace

void multiply_lower(Op op, std::int64_t n, std::int64_t m, double alpha, const double* l, std::int64_t ldl, Op op_b,
                    const double* b, std::int64_t ldb, double beta, double* c, std::int64_t ldc, double* block,
                    const Team& team) {
  if (m <= kFewColumns && op_b == Op::none) {
    const auto multiply = op == Op::none ? multiply_few : multiply_few_transposed;
    return multiply(n, m, alpha, l, ldl, b, ldb, beta, c, ldc, team);
  }
  const std::int64_t width = block_size(n);
  const auto rows_of_b = [&](std::int64_t row) { return b + (op_b == Op::none ? row : row * ldb); };
  for (std::int64_t i = 0; i < n; i += width) {
    const std::int64_t w = std::min(width, n - i), below = n - i - w;
    // The diagonal block with zeros above, so that what lies there in `l` does not matter.
    for (std::int64_t j = 0; j < w; ++j) {
      std::fill_n(block + j * w, j, 0.0);
      std::copy_n(l + (i + j) + (i + j) * ldl, w - j, block + j + j * w);
    }
    gemm(op, op_b, w, m, w, alpha, block, w, rows_of_b(i), ldb, beta, c + i, ldc);
    if (op == Op::none)
      gemm(op, op_b, w, m, i, alpha, l + i, ldl, b, ldb, 1, c + i, ldc);
    else
      gemm(op, op_b, w, m, below, alpha, l + (i + w) + i * ldl, ldl, rows_of_b(i + w), ldb, 1, c + i, ldc);
  }
}

}  // namespace cpu

namespace {

constexpr std::int64_t kTaskColumns = 128;
constexpr std::int64_t kTaskRows = 256;

/// Rows [row, row + rows) and columns [column, column + columns) of a product of full matrices.
void multiply_part(const Multiply& product, const ConstMatrix& a, const ConstMatrix& b, const Matrix& c, std::int64_t row,
                   std::int64_t rows, std::int64_t column, std::int64_t columns) {
  using cpu::Op;
  const std::int64_t inner = product.transpose_left ? a.rows : a.columns;
  cpu::gemm(product.transpose_left ? Op::transpose : Op::none, product.transpose_right ? Op::transpose : Op::none, rows,
            columns, inner, product.scale, a.data + (product.transpose_left ? row * a.leading : row), a.leading,
            b.data + (product.transpose_right ? column : column * b.leading), b.leading, product.keep,
            c.data + row + column * c.leading, c.leading);
}

}  // namespace

void CpuBackend::run(const Multiply& product) {
  using cpu::Op;
  const std::int64_t rows = product.out.rows, columns = product.out.columns;
  if (product.out.empty()) return;
  const std::int64_t inner = product.transpose_left ? product.left.rows : product.left.columns;
  const std::int64_t row_tasks = product.lower_left ? 1 : (rows + kTaskRows - 1) / kTaskRows;
  const std::int64_t column_tasks = (columns + kTaskColumns - 1) / kTaskColumns;
  const std::int64_t tasks = row_tasks * column_tasks;
  const double cost =
      cpu::dense_cost(2.0 * static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(inner));
  team_.each(product.out.batch * tasks, cost * static_cast<double>(product.out.batch), [&](std::int64_t task) {
    const std::int64_t p = task / tasks, part = task % tasks;
    const ConstMatrix a = product.left.member(p), b = product.right.member(p);
    const Matrix c = product.out.member(p);
    const std::int64_t column = part % column_tasks * kTaskColumns, row = part / column_tasks * kTaskRows;
    const std::int64_t width = std::min(kTaskColumns, columns - column);
    if (!product.lower_left) return multiply_part(product, a, b, c, row, std::min(kTaskRows, rows - row), column, width);
    const std::int64_t size = cpu::block_size(rows);
    cpu::Scratch scratch(scratch_, size * size);
    cpu::multiply_lower(product.transpose_left ? Op::transpose : Op::none, rows, width, product.scale, a.data, a.leading,
                        product.transpose_right ? Op::transpose : Op::none,
                        b.data + (product.transpose_right ? column : column * b.leading), b.leading, product.keep,
                        c.data + column * c.leading, c.leading, scratch.take(size * size), cpu::Team::alone());
  });
}

}  // namespace warpbo::backend
