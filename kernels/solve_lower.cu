/// Triangular solves, right <- L^-1 right or L'^-1 right: cuBLAS, one call per member. The GP itself multiplies with L^-1
/// instead (kernels/multiply_lower.cu), which has no chain of dependent rows. Test: tests/backend/cholesky_test.cpp.
#include "backend/cuda/cuda_backend.hpp"

namespace warpbo::backend {

void CudaBackend::run(const SolveLower& solve) {
  enter();
  for (std::int64_t p = 0; p < solve.right.batch; ++p) {
    const ConstMatrix factor = solve.factor.member(p);
    const Matrix right = solve.right.member(p);
    dense().solve_lower(cuda::Side::left, solve.transposed ? cuda::Op::transpose : cuda::Op::none, right.rows, right.columns,
                        factor.data, factor.leading, right.data, right.leading);
  }
}

}  // namespace warpbo::backend
