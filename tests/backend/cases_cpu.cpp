#include "backend/fixture.hpp"

namespace warpbo::backend::testing {

std::vector<BackendCase> backends() {
  return {{"cpu", [](int threads) { return make_cpu_backend(threads); }}};
}

}  // namespace warpbo::backend::testing
