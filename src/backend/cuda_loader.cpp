/// Finds the CUDA engine, a shared object of its own, and loads it when it is first wanted: a program linked to warpbo starts
/// on machines without a driver, and without CUDA's libraries.
#include "backend/cuda_plugin.hpp"
#include "backend/open.hpp"

#include <warpbo/error.hpp>

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo::backend {

namespace {

namespace fs = std::filesystem;

/// Where this code lies: the folder of libwarpbo.so or, when warpbo is linked statically, of the program.
fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  return fs::absolute(info.dli_fname, ignored).parent_path();
}

/// In the order in which they are tried. WARPBO_CUDA_ENGINE, a file, comes alone.
std::vector<fs::path> candidates() {
  if (const char* file = std::getenv("WARPBO_CUDA_ENGINE"); file != nullptr && *file != '\0') return {file};
  std::vector<fs::path> out;
  const fs::path here = own_folder();
  if (!here.empty()) {
    out.push_back(here / kCudaEngineFile);
    out.push_back(here.parent_path() / "lib" / kCudaEngineFile);
  }
  out.push_back(fs::path(WARPBO_INSTALLED_LIBRARIES) / kCudaEngineFile);
  return out;
}

Error missing(const std::string& why) { return Error(ErrorCode::unavailable, "the CUDA engine cannot be loaded: " + why); }

}  // namespace

OpenCudaEngine* load_cuda_engine(const std::vector<fs::path>& files) {
  std::string tried;
  for (const fs::path& file : files) {
    std::error_code ignored;
    if (!fs::exists(file, ignored)) {
      tried += (tried.empty() ? "" : ", ") + file.string();
      continue;
    }
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw missing(dlerror());
    const auto* identity = static_cast<const char* const*>(dlsym(library, "warpbo_cuda_engine_identity"));
    if (identity == nullptr || std::string_view(*identity) != WARPBO_ENGINE_IDENTITY)
      throw missing(file.string() + " is not of this build of warpbo (" + (identity == nullptr ? "no identity" : *identity) +
                    " instead of " WARPBO_ENGINE_IDENTITY + "); install both from one build");
    void* symbol = dlsym(library, "warpbo_open_cuda_engine");
    if (symbol == nullptr) throw missing(file.string() + " is not an engine of warpbo");
    return reinterpret_cast<OpenCudaEngine*>(symbol);
  }
  throw Error(ErrorCode::unavailable, "no CUDA engine is installed (looked for " + tried + ")");
}

std::shared_ptr<Backend> make_cuda_backend(int index) {
  static std::mutex mutex;
  static OpenCudaEngine* open = nullptr;  // never unloaded: CUDA does not survive it
  {
    const std::lock_guard lock(mutex);
    if (open == nullptr) open = load_cuda_engine(candidates());
  }
  std::shared_ptr<Backend> backend;
  open(index, &backend);
  return backend;
}

}  // namespace warpbo::backend
