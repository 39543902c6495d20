#include "gpu/memory.hpp"

#include <dlfcn.h>
#include <malloc.h>

#include <cstddef>
#include <fstream>

namespace warpbo::bench {

namespace {

double status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(key + ":", 0) == 0) return 1024.0 * std::stod(line.substr(key.size() + 1));
  return -1;
}

/// cuMemGetInfo of the driver that the engine has loaded; the program itself is not linked to CUDA.
double device_bytes() {
  using MemoryInformation = int(std::size_t*, std::size_t*);
  static void* const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  static auto* const ask = driver == nullptr ? nullptr : reinterpret_cast<MemoryInformation*>(dlsym(driver, "cuMemGetInfo_v2"));
  std::size_t free = 0, total = 0;
  if (ask == nullptr || ask(&free, &total) != 0) return -1;
  return static_cast<double>(total - free);
}

}  // namespace

MemoryWatch::MemoryWatch(const std::string& engine) : device_(engine != "cpu"), before_(0) {
  if (!device_) {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << 5;  // the high-water mark starts again from here
  }
  before_ = device_ ? device_bytes() : status_bytes("VmRSS");
}

double MemoryWatch::used() const { return device_ ? device_bytes() : status_bytes("VmHWM"); }

double MemoryWatch::peak() const {
  const double after = used();
  return before_ < 0 || after < 0 ? -1 : after - before_;
}

}  // namespace warpbo::bench
