#include "backend/open.hpp"

#include <warpbo/error.hpp>

namespace warpbo::backend {

Opened open_backend(const Device& device) {
  switch (device.kind()) {
    case Device::Kind::cpu:
      return {make_cpu_backend(), {}};
    case Device::Kind::cuda:
      try {
        return {make_cuda_backend(device.index()), {}};
      } catch (const Error& error) {
        throw Error(error.code(), std::string(error.what()) + "; device \"cpu\" or \"auto\" works without a GPU");
      }
    case Device::Kind::automatic:
      break;
  }
  try {
    return {make_cuda_backend(device.index()), {}};
  } catch (const Error& error) {
    return {make_cpu_backend(), std::string("using the CPU: ") + error.what()};
  }
}

}  // namespace warpbo::backend
