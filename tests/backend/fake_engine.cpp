/// A shared object that claims to be a CUDA engine: what the loader's tests load where the real one cannot be.
#include "backend/cuda_plugin.hpp"

#include <warpbo/error.hpp>

#include <string>

extern "C" {

__attribute__((visibility("default"))) extern const char* const warpbo_cuda_engine_identity;
const char* const warpbo_cuda_engine_identity = WARPBO_ENGINE_IDENTITY;

__attribute__((visibility("default"))) void warpbo_open_cuda_engine(int index, std::shared_ptr<warpbo::backend::Backend>*) {
  throw warpbo::Error(warpbo::ErrorCode::unavailable, "there is no cuda:" + std::to_string(index));
}
}
