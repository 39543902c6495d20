/// The entry points of the engine's shared object (backend/cuda_plugin.hpp).
#include "backend/cuda_plugin.hpp"

#include "backend/cuda/cuda_backend.hpp"

extern "C" {

__attribute__((visibility("default"))) extern const char* const warpbo_cuda_engine_identity;
const char* const warpbo_cuda_engine_identity = WARPBO_ENGINE_IDENTITY;

__attribute__((visibility("default"))) void warpbo_open_cuda_engine(int index, std::shared_ptr<warpbo::backend::Backend>* out) {
  *out = warpbo::backend::make_cuda_engine(index);
}
}
