/// From the user's choice of device to a backend.
#pragma once

#include "backend/backend.hpp"

#include <warpbo/device.hpp>

#include <memory>
#include <mutex>
#include <string>

namespace warpbo::backend {

/// A backend and, when `automatic` could not give a GPU, one sentence saying why.
struct Opened {
  std::shared_ptr<Backend> backend;
  std::string notice;
  /// Whoever computes on the backend, or releases memory of it, holds this. Null: the opener has it to itself.
  std::shared_ptr<std::mutex> turn = nullptr;
};

/// Opens a device. `automatic` takes CUDA device 0 if it works and the CPU otherwise; `cuda` throws `unavailable` if it does
/// not work.
[[nodiscard]] Opened open_backend(const Device& device);

/// The CUDA engine, or Error{unavailable} naming what is missing. Which file defines it is CMake's choice.
[[nodiscard]] std::shared_ptr<Backend> make_cuda_backend(int index);

}  // namespace warpbo::backend
