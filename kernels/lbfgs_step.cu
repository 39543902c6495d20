/// One step of the batched bounded L-BFGS, and the compaction of the problems that go on.
///
/// One warp per problem; variable i belongs to lane i % 32 throughout, so that only scalars pass between lanes. The two-loop
/// recursion is a chain of up to 26 sums over the warp (about 200 cycles each with their loads), one more per step length that
/// is tried: some microseconds per step, whatever the number of problems. Bytes: the state of a problem, (3 + 16) D doubles,
/// about twice. Up to kOneBlock problems
/// are one launch, in which one block also compacts and gathers; more are three launches. Rows keep their order. The new points
/// come from the problems' states, so no row is overwritten that somebody still needs. Algorithm: src/math/lbfgs.hpp. Test:
/// tests/backend/lbfgs_test.cpp.
#include "kernels/launch.cuh"
#include "kernels/reduce.cuh"
#include "math/lbfgs.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

using namespace cuda;

constexpr int kOneBlock = 20;      // problems, one warp each: 640 threads of 96 registers
constexpr int kWarpsPerBlock = 4;  // of the advancing kernel for many problems
constexpr int kCompactThreads = 1024;
constexpr int kGatherThreads = 256;

/// The warp as a team (math/lbfgs.hpp).
struct WarpTeam {
  /// Slot k lives in lane k.
  struct Slots {
    double own = 0;
    __device__ double get(std::int64_t k) const { return warp_broadcast(own, static_cast<int>(k)); }
    __device__ void set(std::int64_t k, double value) {
      if (lane() == k) own = value;
    }
  };
  static_assert(math::kLbfgsHistory <= kWarp);

  template <class F>
  __device__ void each(std::int64_t count, F&& body) const {
    for (std::int64_t i = lane(); i < count; i += kWarp) body(i);
  }
  template <class F>
  __device__ double sum(std::int64_t count, F&& term) const {
    double total = 0;
    for (std::int64_t i = lane(); i < count; i += kWarp) total += term(i);
    return warp_sum(total);
  }
  template <class F>
  __device__ math::SumPair sums(std::int64_t count, F&& term) const {
    math::SumPair total{0, 0};
    for (std::int64_t i = lane(); i < count; i += kWarp) {
      const math::SumPair value = term(i);
      total.first += value.first;
      total.second += value.second;
    }
    return {warp_sum(total.first), warp_sum(total.second)};
  }
  template <class F>
  __device__ double max(std::int64_t count, F&& term) const {
    double largest = 0;
    for (std::int64_t i = lane(); i < count; i += kWarp) {
      const double value = term(i);
      largest = value > largest ? value : largest;
    }
    return warp_max(largest);
  }
  __device__ bool leader() const { return lane() == 0; }
  __device__ void sync() const { warp_sync(); }
};

/// Advances the a-th active problem; true if it wants other points evaluated.
__device__ bool advance(const LbfgsStep& step, std::int64_t a) {
  const std::int64_t problem = step.indices.data[a], row = a * step.trials;
  double* state = step.state.data + problem * step.state.leading;
  const WarpTeam team;
  const auto lower = [&](std::int64_t i) { return step.lower.data[problem + i * step.lower.leading]; };
  const auto upper = [&](std::int64_t i) { return step.upper.data[problem + i * step.upper.leading]; };
  const math::LbfgsEvaluated evaluated{
      step.trials,           step.value.data + row,     step.queries.data + row, step.queries.leading, step.gradient.data + row,
      step.gradient.leading, step.maximize ? -1.0 : 1.0};
  math::LbfgsProblem solver(team, state, step.dimensions, lower, upper, evaluated, step.gradient_tolerance,
                            step.value_tolerance);
  return solver.advance();
}

/// Coordinate i of the points that `problem` wants evaluated, to the rows of the a-th active one.
__device__ void gather(const LbfgsStep& step, std::int64_t a, std::int64_t problem, std::int64_t i) {
  const double* state = step.state.data + problem * step.state.leading;
  const double lower = step.lower.data[problem + i * step.lower.leading],
               upper = step.upper.data[problem + i * step.upper.leading];
  double* column = step.queries.data + a * step.trials + i * step.queries.leading;
  for (std::int64_t t = 0; t < step.trials; ++t)
    column[t] = math::lbfgs_trial_point(state, {step.dimensions}, t, i, lower, upper);
}

/// How many problems are active. `active` counts rows.
__device__ std::int32_t active_problems(const LbfgsStep& step) { return *step.active / static_cast<std::int32_t>(step.trials); }
__device__ void set_active(const LbfgsStep& step, std::int32_t problems) {
  *step.active = problems * static_cast<std::int32_t>(step.trials);
}

struct Rows {
  std::int32_t wanted[kOneBlock];
  std::int32_t problem[kOneBlock];
};

/// Few problems: everything by one block, a warp per problem.
__global__ void __launch_bounds__(kOneBlock* kWarp) lbfgs_block_kernel(LbfgsStep step) {
  Rows& rows = block_shared<Rows>();
  const int active = active_problems(step), row = warp();
  if (row < active) {
    const bool wanted = advance(step, row);
    if (lane() == 0) {
      rows.wanted[row] = wanted ? 1 : 0;
      rows.problem[row] = step.indices.data[row];
    }
  }
  __syncthreads();
  // Every warp ranks the rows for itself; lane a stands for row a.
  const bool wanted = lane() < active && rows.wanted[lane()] != 0;
  const std::int32_t problem = lane() < active ? rows.problem[lane()] : 0;
  int kept = 0;
  const int position = warp_rank(wanted, kept);
  __syncthreads();
  if (warp() == 0 && wanted) {
    step.indices.data[position] = problem;
    rows.problem[position] = problem;
  }
  if (threadIdx.x == 0) set_active(step, kept);
  __syncthreads();
  if (row < kept)
    for (std::int64_t i = lane(); i < step.dimensions; i += kWarp) gather(step, row, rows.problem[row], i);
}

/// Many problems, first of three: advances, and notes in `wanted` which rows go on. (Without a number of blocks the compiler
/// aims at 96 registers, and spills.)
__global__ void __launch_bounds__(kWarpsPerBlock* kWarp, 4) lbfgs_advance_kernel(LbfgsStep step, std::int32_t* wanted) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kWarpsPerBlock + warp();
  if (row >= active_problems(step)) return;  // the whole warp; there is no barrier
  const bool more = advance(step, row);
  if (lane() == 0) wanted[row] = more ? 1 : 0;
}

/// Second, one block: squeezes out the rows that have ended.
__global__ void __launch_bounds__(kCompactThreads) lbfgs_compact_kernel(LbfgsStep step, const std::int32_t* wanted) {
  const std::int32_t active = active_problems(step);
  std::int32_t kept = 0;
  for (std::int32_t begin = 0; begin < active; begin += kCompactThreads) {
    const std::int32_t row = begin + static_cast<std::int32_t>(threadIdx.x);
    const bool more = row < active && wanted[row] != 0;
    const std::int32_t problem = row < active ? step.indices.data[row] : 0;
    int count = 0;
    const int rank = block_rank(more, count);  // its barriers stand between the reads and the writes of indices
    if (more) step.indices.data[kept + rank] = problem;
    kept += count;
  }
  __syncthreads();
  if (threadIdx.x == 0) set_active(step, kept);
}

/// Third: the points of the rows that go on. One block column per dimension.
__global__ void lbfgs_gather_kernel(LbfgsStep step) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kGatherThreads + threadIdx.x;
  if (row < active_problems(step))
    for (std::int64_t i = blockIdx.y; i < step.dimensions; i += gridDim.y) gather(step, row, step.indices.data[row], i);
}

}  // namespace

void CudaBackend::run(const LbfgsStep& step) {
  enter();
  if (step.problems == 0) return;
  if (step.problems <= kOneBlock) {
    launch(*this, shape(1, step.problems * kWarp), lbfgs_block_kernel, step);
    return;
  }
  Arena::Scope scope(workspace());
  const auto wanted = workspace().vector<std::int32_t>(step.problems);
  launch(*this, shape(ceil_div(step.problems, kWarpsPerBlock), kWarpsPerBlock * kWarp), lbfgs_advance_kernel, step,
         wanted.data);
  launch(*this, shape(1, kCompactThreads), lbfgs_compact_kernel, step, wanted.data);
  launch(*this, shape(ceil_div(step.problems, kGatherThreads), kGatherThreads, std::min<std::int64_t>(step.dimensions, 1024)),
         lbfgs_gather_kernel, step);
}

}  // namespace warpbo::backend
