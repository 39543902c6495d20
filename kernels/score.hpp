#pragma once

#include "kernels/improvement.cuh"
#include "kernels/query_rows.hpp"

namespace warpbo::backend {
class CudaBackend;
}

namespace warpbo::backend::cuda {

/// Score of backend.hpp as its kernel takes it.
struct ScoreArgs {
  AcquisitionView acquisition;
  ConstMatrix mean;
  const double* variance;  ///< null where it is not needed
  double* out;
  QueryRows rows;
};

/// Queues values at all queries in use.
void queue_score(CudaBackend& backend, const ScoreArgs& args);

}  // namespace warpbo::backend::cuda
