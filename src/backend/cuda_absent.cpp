/// Stands in for the CUDA backend in builds without it.
#include "backend/open.hpp"

#include <warpbo/error.hpp>

namespace warpbo::backend {

std::shared_ptr<Backend> make_cuda_backend(int) {
  throw Error(ErrorCode::unavailable, "this build of warpbo has no CUDA backend; use device \"cpu\" or \"auto\"");
}

}  // namespace warpbo::backend
