/// The conformance suite on a real device. Whoever runs this program asked for one: where there is none, every test fails.
#include "backend/cuda_plugin.hpp"
#include "backend/fixture.hpp"
#include "backend/open.hpp"

namespace warpbo::backend::testing {

std::vector<BackendCase> backends() {
  return {{"cuda", [](int) { return make_cuda_backend(0); }}};
}

}  // namespace warpbo::backend::testing
