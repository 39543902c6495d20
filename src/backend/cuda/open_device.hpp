/// Whether a CUDA device can be used, and in words what is missing if not.
#pragma once

namespace warpbo::backend::cuda {

/// Makes device `index` current. Throws unavailable naming the cause and the cure: no driver, a driver that is too old, no
/// device, hidden devices, a stub library, mismatched driver parts, a device that was lost.
void open_device(int index);

}  // namespace warpbo::backend::cuda
