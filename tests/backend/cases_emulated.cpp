/// The CUDA engine on the stand-in, with the thresholds it has on a GPU and with tiny ones, so that every way of doing an
/// operation is taken at sizes that run on fibers.
#include "backend/cuda/cuda_backend.hpp"
#include "backend/fixture.hpp"

namespace warpbo::backend::testing {

std::vector<BackendCase> backends() {
  const cuda::Tuning tiny = {.vendor_cholesky_from = 48,
                             .vendor_product_from = 16,
                             .single_block_likelihood = 0,
                             .vendor_precision_from = 120,
                             .precision_strip = 16,
                             .few_queries = 8,
                             .group_bytes = std::int64_t{128} << 10,
                             .tile_bytes = std::int64_t{64} << 10,
                             .rounds_per_check = 3};
  return {{"emulated", [](int) { return make_cuda_engine(0); }},
          {"emulated_tiny", [tiny](int) { return make_cuda_engine(0, tiny); }}};
}

}  // namespace warpbo::backend::testing
