#include "backend/lost_device.hpp"

#include <map>
#include <mutex>

namespace warpbo::backend {

namespace {

struct LostDevices {
  std::mutex mutex;
  std::map<std::string, std::string> reasons;  // by name
};

/// Never destroyed: a backend that outlives the statics of this file may still ask.
LostDevices& lost_devices() {
  static auto* const devices = new LostDevices;
  return *devices;
}

}  // namespace

void mark_lost(const std::string& name, const std::string& reason) {
  LostDevices& devices = lost_devices();
  const std::lock_guard lock(devices.mutex);
  devices.reasons.try_emplace(name, reason);
}

std::optional<std::string> lost_reason(const std::string& name) {
  LostDevices& devices = lost_devices();
  const std::lock_guard lock(devices.mutex);
  const auto found = devices.reasons.find(name);
  if (found == devices.reasons.end()) return std::nullopt;
  return found->second;
}

}  // namespace warpbo::backend
