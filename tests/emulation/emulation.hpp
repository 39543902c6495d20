/// The control panel of the stand-in: how tests choose the order of execution, make calls fail and read what was done.
///
/// What CUDA reports by a status code the stand-in reports by that code. What CUDA leaves undefined (a divergent barrier, a
/// double free, a copy after the end of its memory) throws emulation::Error out of the call that ran the work.
///
/// Settings and counters belong to the process. Kernels run on the thread that calls; several threads may do so at once.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>

namespace warpbo::emulation {

class Error : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// ------------------------------------------------------------------------------------------------------------- settings

/// Order of the blocks of a grid, and of the threads of a block between two barriers.
enum class Order { ascending, descending, shuffled };

struct Options {
  Order order = Order::ascending;
  std::uint64_t seed = 1;  ///< of `shuffled`: the orders are a function of the seed and of the launches before
  /// Work waits in its stream until something waits for it. Finds a missing wait, which otherwise goes unnoticed.
  bool defer = false;
  std::size_t memory_limit = std::size_t{1} << 30;  ///< bytes of device memory
  int multiprocessors = 132;
};

/// The defaults, changed by WARPBO_EMULATION_ORDER=ascending|descending|shuffled and WARPBO_EMULATION_DEFER=1.
[[nodiscard]] Options options_from_environment();
[[nodiscard]] Options options();  ///< in force; those of the environment at first
void set_options(const Options& options);

/// What shall go wrong. Numbers count from 1, from the call of set_faults on; 0 is never.
struct Faults {
  std::int64_t allocation = 0;         ///< this allocation of device memory finds none left
  bool later_allocations_too = false;  ///< and so do all after it
  std::int64_t call = 0;  ///< this call that can report an asynchronous error returns `code`, and all later ones too
  cudaError_t code = cudaErrorLaunchFailure;
  cudaError_t device_count_status = cudaSuccess;  ///< of cudaGetDeviceCount
  int device_count = 1;
  int driver_version = CUDART_VERSION;  ///< 1000 major + 10 minor
};

/// Also forgets an error that stuck.
void set_faults(const Faults& faults);

// ------------------------------------------------------------------------------------------------------------- counters

struct Counters {
  std::int64_t launches = 0;  ///< kernels and library calls queued by the host; those of graphs are `nodes`
  std::int64_t blocks = 0;    ///< blocks run
  std::int64_t threads = 0;   ///< threads run
  std::int64_t switches = 0;  ///< changes from one fiber to another
  std::int64_t graph_launches = 0;
  std::int64_t nodes = 0;             ///< nodes of graphs run
  std::int64_t synchronizations = 0;  ///< calls that made the host wait for the device
  std::int64_t bytes_to_device = 0;
  std::int64_t bytes_to_host = 0;
  std::int64_t allocations = 0;  ///< of device memory
  std::int64_t peak_bytes = 0;   ///< of device memory in use
};

[[nodiscard]] Counters counters();
void reset_counters();  ///< peak_bytes begins anew at what is in use

[[nodiscard]] std::size_t live_bytes();    ///< device memory that has not been freed
[[nodiscard]] std::size_t live_handles();  ///< streams, events, graphs, pools and blocks of pinned memory that are left

/// Frees what the process holds of the device, as its end would, and forgets all faults and errors: what a test has to do after
/// it made the device fail, since nothing can be given back to a lost device.
void reset_device();

// ------------------------------------------------------------------------------------------------- host code as a library

/// Queues host code that may read and write device memory, in place of the kernels of a vendor's library.
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work);

}  // namespace warpbo::emulation
