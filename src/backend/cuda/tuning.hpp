/// Where the CUDA engine changes from one way of doing an operation to another. The defaults are for an H100; tests use tiny
/// ones, so that every way is taken at sizes that run on fibers.
#pragma once

#include <cstdint>

namespace warpbo::backend::cuda {

struct Tuning {
  /// Cholesky factors of at least this many rows come from cuSOLVER, smaller ones from our blocked kernel.
  std::int64_t vendor_cholesky_from = 2048;
  /// Products whose smallest inner or outer size reaches this go to cuBLAS.
  std::int64_t vendor_product_from = 512;
  /// Likelihoods of up to this many points are evaluated by one block per member in shared memory (0: never).
  std::int64_t single_block_likelihood = 168;
  /// From this many points on a likelihood's inverse kernel matrix comes from cuBLAS, blocks of 2 x 1 strips at a time.
  std::int64_t vendor_precision_from = 3072;
  std::int64_t precision_strip = 1024;
  /// Up to this many queries at a time, a posterior's kernels spread one query over many threads; beyond, they share loads.
  std::int64_t few_queries = 256;
  /// Up to this many queries an acquisition takes about as long as for one: a search may try several step lengths at once.
  std::int64_t free_rows = 64;
  /// Members of a likelihood's batch that are worked on at the same time take at most this much (but one always goes).
  std::int64_t group_bytes = std::int64_t{4} << 30;
  /// Bytes that the tile of a posterior's cross-covariances may take.
  std::int64_t tile_bytes = std::int64_t{256} << 20;
  /// Rounds of an iteration that are queued before the host asks whether it has ended.
  int rounds_per_check = 8;
};

}  // namespace warpbo::backend::cuda
