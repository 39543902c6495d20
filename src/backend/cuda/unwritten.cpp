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
UNWRITTEN(Posterior)
UNWRITTEN(PosteriorExtend)
UNWRITTEN(Score)
UNWRITTEN(Acquisition)

}  // namespace warpbo::backend
