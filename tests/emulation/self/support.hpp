/// Device memory for the tests of the stand-in, and a short way to launch.
#pragma once

#include "emulation/emulation.hpp"

#include <string>
#include <utility>
#include <vector>

namespace warpbo::emulation {

/// Doubles on the device.
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t size) : size_(size) { must(cudaMalloc(&data_, bytes())); }
  explicit DeviceArray(const std::vector<double>& values) : DeviceArray(values.size()) {
    must(cudaMemcpyAsync(data_, values.data(), bytes(), cudaMemcpyHostToDevice));
  }
  ~DeviceArray() { (void)cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  [[nodiscard]] double* data() const { return data_; }
  [[nodiscard]] std::size_t bytes() const { return size_ * sizeof(double); }
  [[nodiscard]] std::vector<double> read() const {
    std::vector<double> values(size_);
    must(cudaMemcpyAsync(values.data(), data_, bytes(), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  static void must(cudaError_t status) {
    if (status != cudaSuccess) throw Error(cudaGetErrorString(status));
  }
  std::size_t size_;
  double* data_ = nullptr;
};

struct Shape {
  dim3 grid;
  dim3 block;
  std::size_t shared = 0;
  cudaStream_t stream = nullptr;
};

template <class... Parameters, class... Arguments>
cudaError_t run(const Shape& shape, void (*kernel)(Parameters...), Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared;
  config.stream = shape.stream;
  return cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
}

/// Settings that last for a scope, whatever the environment says; faults and counters begin anew at both ends.
class Settings {
 public:
  explicit Settings(const Options& changed = {}) {
    set_options(changed);
    clear();
  }
  ~Settings() {
    set_options(options_from_environment());
    clear();
  }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

 private:
  static void clear() {
    set_faults({});
    reset_counters();
  }
};

inline Options in_order(Order order) {
  Options changed;
  changed.order = order;
  return changed;
}

inline Options deferred() {
  Options changed;
  changed.defer = true;
  return changed;
}

/// A stream that ends with the scope.
class OwnStream {
 public:
  OwnStream() { (void)cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking); }
  ~OwnStream() { (void)cudaStreamDestroy(stream_); }
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

inline constexpr Order kOrders[] = {Order::ascending, Order::descending, Order::shuffled};

/// The text of the Error that `body` throws, or nothing.
template <class Body>
std::string error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace warpbo::emulation
