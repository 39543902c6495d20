#pragma once

namespace warpbo::backend {
class CudaBackend;
}

namespace warpbo::backend::cuda {

/// Runs one trivial kernel. Throws unavailable if this build has no code for the device, or if the device does not work.
void probe(CudaBackend& backend);

}  // namespace warpbo::backend::cuda
