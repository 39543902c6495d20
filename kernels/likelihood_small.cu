/// Likelihoods of small problems: one block per member, everything in registers and shared memory (kernels/small_member.cuh).
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
