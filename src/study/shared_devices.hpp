/// The backends of a fleet: one per device, whatever the number of studies.
#pragma once

#include "backend/open.hpp"

#include <map>
#include <mutex>
#include <string>

namespace warpbo::study {

/// Thread-safe. A CPU backend may be used by all at once; one of a device comes with the mutex of whose turn it is.
class SharedDevices {
 public:
  /// As backend::open_backend, which is called once per device, and again after that device was lost.
  [[nodiscard]] backend::Opened open(const Device& device);

 private:
  std::mutex mutex_;
  std::map<std::string, backend::Opened> opened_;  // by the device's name
  std::shared_ptr<backend::Backend> cpu_;
};

}  // namespace warpbo::study
