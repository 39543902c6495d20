/// Devices that this process must not use again: a CUDA context does not survive an illegal access, a hang or a hardware fault.
#pragma once

#include <optional>
#include <string>

namespace warpbo::backend {

/// Remembers for the life of the process that the device called `name` ("cuda:0") is lost, and why. The first reason is kept.
void mark_lost(const std::string& name, const std::string& reason);

/// Why the device is lost, or nothing while it is not.
[[nodiscard]] std::optional<std::string> lost_reason(const std::string& name);

}  // namespace warpbo::backend
