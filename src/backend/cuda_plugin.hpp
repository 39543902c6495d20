/// What the library and the CUDA engine, a shared object that it loads at run time, agree upon.
#pragma once

#include "backend/backend.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace warpbo::backend {

inline constexpr const char* kCudaEngineFile = "libwarpbo_cuda.so";

/// The engine exports, with C linkage:
///   const char* const warpbo_cuda_engine_identity: the version and a digest of the interface it was built against;
///   OpenCudaEngine warpbo_open_cuda_engine: opens device `index` into `out`; throws Error{unavailable}.
using OpenCudaEngine = void(int index, std::shared_ptr<Backend>* out);

/// Loads the first of `files` that exists; it stays loaded, since CUDA does not survive being unloaded. Throws
/// Error{unavailable} saying what is missing: the file, a library of CUDA's that it needs, or that it is of another build.
[[nodiscard]] OpenCudaEngine* load_cuda_engine(const std::vector<std::filesystem::path>& files);

}  // namespace warpbo::backend
