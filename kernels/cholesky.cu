/// Cholesky factors: kernels/factor_lower.cu does the work. Test: tests/backend/cholesky_test.cpp.
#include "kernels/triangles.hpp"

namespace warpbo::backend {

void CudaBackend::run(const Cholesky& cholesky) {
  enter();
  cuda::factor_lower(*this, cholesky.factor, cholesky.existing, cholesky.info.data, nullptr, cholesky.inverse);
}

}  // namespace warpbo::backend
