#include "study/shared_devices.hpp"

#include "backend/lost_device.hpp"

#include <memory>

namespace warpbo::study {

backend::Opened SharedDevices::open(const Device& device) {
  const std::lock_guard lock(mutex_);
  if (!cpu_) cpu_ = backend::make_cpu_backend();
  if (device.kind() == Device::Kind::cpu) return {cpu_, {}, nullptr};
  const auto known = opened_.find(device.name());
  if (known != opened_.end() && !backend::lost_reason(known->second.backend->name())) return known->second;
  backend::Opened opened = backend::open_backend(device);
  if (opened.backend->name() == "cpu")
    opened.backend = cpu_;
  else
    opened.turn = std::make_shared<std::mutex>();
  return opened_[device.name()] = opened;
}

}  // namespace warpbo::study
