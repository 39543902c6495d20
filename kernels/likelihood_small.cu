/// Likelihoods of small problems: one block per member, everything in registers and shared memory (kernels/small_member.cuh).
///
/// Why registers: a block's 256 KiB of them hold the triangle of 176 points in 132 registers a thread, and a rank-16 update
/// reads 22 numbers from shared memory for its 66 multiply-adds. A square in shared memory (168 points) or a packed triangle
/// (232) would read two for every one. The limit of 176 is that of 255 registers per thread.
///
/// Floor per member: n^3 flops and n^2/2 (4d + 60) fp64 instructions on the vector units of one multiprocessor. Three barriers
/// per 8 (n <= 64) or 16 pivots; the chain of a pivot, one reciprocal and two multiplications, is estimated as 100 cycles.
/// Estimates at d = 10 on an H100 at 1.8 GHz, none of them measured; a batch of 10,000 with as many blocks on a multiprocessor
/// as registers and shared memory allow:
///
///     n    threads  shared   barriers  pivots   updates   pairs    one member  10,000
///     32      64     12 KB      35     3,200       800    1,700      4 us      0.1 ms
///     64      64     31 KB      47     6,400     5,500    6,200     11 us      0.3 ms
///    128     256    118 KB      47    14,000    20,000   12,300     29 us      2.2 ms
///    168     256    194 KB      56    19,000    50,000   22,500     55 us      4.2 ms
///
/// (pivots, updates, pairs: cycles of one member alone.) From 97 points on one block fills a multiprocessor, and the chain of
/// pivots is not hidden behind another member. Test: tests/backend/likelihood_test.cpp.
#include "kernels/launch.cuh"
#include "kernels/small_member.cuh"

namespace warpbo::backend::cuda {

namespace {

template <int kSide, int kTiles, int kBlocks>
__global__ void __launch_bounds__(kSide* kSide, kBlocks) small_likelihood_kernel(LikelihoodArgs args) {
  const std::int64_t member = blockIdx.x;
  if (args.idle(member)) return;
  SmallMember<kSide, kTiles>(args, member).evaluate();
}

template <int kSide, int kTiles, int kBlocks>
void launch_small(CudaBackend& backend, const LikelihoodArgs& args, std::int64_t batch) {
  constexpr std::size_t kBytes = sizeof(typename SmallMember<kSide, kTiles>::Memory);
  const auto kernel = small_likelihood_kernel<kSide, kTiles, kBlocks>;
  allow_shared(backend, kernel, kBytes);
  launch(backend, shape(batch, kSide * kSide, 1, kBytes), kernel, args);
}

}  // namespace

bool small_likelihood(CudaBackend& backend, const LikelihoodArgs& args, std::int64_t batch) {
  const std::int64_t n = args.points.rows;
  if (n > backend.tuning().single_block_likelihood) return false;
  if (n <= 32)
    launch_small<8, 4, 10>(backend, args, batch);
  else if (n <= 48)
    launch_small<8, 6, 8>(backend, args, batch);
  else if (n <= 64)
    launch_small<8, 8, 6>(backend, args, batch);
  else if (n <= 96)
    launch_small<16, 6, 2>(backend, args, batch);
  else if (n <= 128)
    launch_small<16, 8, 1>(backend, args, batch);
  else if (n <= 144)
    launch_small<16, 9, 1>(backend, args, batch);
  else if (n <= 176)
    launch_small<16, 11, 1>(backend, args, batch);
  else
    return false;
  return true;
}

}  // namespace warpbo::backend::cuda
