/// Inverses of lower triangles: kernels/invert_lower.cu does the work. Test: tests/backend/cholesky_test.cpp.
#include "kernels/triangles.hpp"

namespace warpbo::backend {

void CudaBackend::run(const TriangularInverse& inverse) {
  enter();
  cuda::invert_lower(*this, inverse.factor, inverse.existing, inverse.out, nullptr);
}

}  // namespace warpbo::backend
