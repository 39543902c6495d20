/// Stand-ins for operations that are not written yet. Removed when the last one is.
#include "backend/cuda/cuda_backend.hpp"
#include "kernels/triangles.hpp"

#include <warpbo/error.hpp>

namespace warpbo::backend {

namespace {
[[noreturn]] void unwritten() { throw Error(ErrorCode::internal, "not written yet"); }
}  // namespace

#define UNWRITTEN(Operation) \
  __attribute__((weak)) void CudaBackend::run(const Operation&) { unwritten(); }
UNWRITTEN(Cholesky)
UNWRITTEN(TriangularInverse)
UNWRITTEN(SolveLower)
UNWRITTEN(Multiply)
UNWRITTEN(Posterior)
UNWRITTEN(PosteriorExtend)
UNWRITTEN(Score)
UNWRITTEN(Acquisition)
UNWRITTEN(SelectTop)

namespace cuda {
struct Dense::Handles {};
__attribute__((weak)) Dense::Dense(CudaBackend&) {}
__attribute__((weak)) Dense::~Dense() {}
__attribute__((weak)) void Dense::gemm(const Product&) { unwritten(); }
__attribute__((weak)) void Dense::solve_lower(Op, std::int64_t, std::int64_t, const double*, std::int64_t, double*,
                                              std::int64_t) {
  unwritten();
}
__attribute__((weak)) void Dense::cholesky(std::int64_t, double*, std::int64_t, std::int32_t*) { unwritten(); }
__attribute__((weak)) void factor_lower(CudaBackend&, const Matrix&, std::int64_t, std::int32_t*, const std::int32_t*) {
  unwritten();
}
__attribute__((weak)) void invert_lower(CudaBackend&, const ConstMatrix&, std::int64_t, const Matrix&, const std::int32_t*) {
  unwritten();
}
}  // namespace cuda

}  // namespace warpbo::backend
