/// Indices of the largest values, in order.
///
/// Tournament, for up to kSorted / 2 winners: a block sorts kSorted values with their indices in shared memory (bitonic) and
/// passes on its first `count`; further rounds do the same with what was passed on until one block is left. Two values compare
/// the same wherever they meet, so the result does not depend on the rounds. Three rounds of about 5 us each for 64 of 100,000
/// values; floor: 8 bytes per value.
///
/// More winners than that: every value counts how many are better; that is its place. m^2 comparisons, 1 ms at m = 100,000.
///
/// Test: tests/backend/fill_test.cpp.
#include "kernels/launch.cuh"
#include "kernels/shared.cuh"

#include <algorithm>
#include <limits>

namespace warpbo::backend {

namespace {

using namespace cuda;

constexpr int kThreads = 512;
constexpr int kSorted = 2048;
constexpr std::int32_t kNobody = std::numeric_limits<std::int32_t>::max();  // behind all others: the highest index

/// Whether value x of index i comes before y of j: larger first, NaN last, equal ones by index.
__device__ bool before(double x, std::int32_t i, double y, std::int32_t j) {
  const bool x_nan = isnan(x), y_nan = isnan(y);
  if (x_nan != y_nan) return y_nan;
  if (!x_nan && x != y) return x > y;
  return i < j;
}

struct Contestants {
  double value[kSorted];
  std::int32_t index[kSorted];
};

/// Bitonic sort (Batcher 1968): `count`, a power of two, of them.
__device__ void sort_contestants(Contestants& all, int count) {
  for (int run = 2; run <= count; run *= 2)
    for (int distance = run / 2; distance > 0; distance /= 2) {
      for (int pair = static_cast<int>(threadIdx.x); pair < count / 2; pair += kThreads) {
        const int a = pair / distance * 2 * distance + pair % distance, b = a + distance;
        const bool forward = (a & run) == 0;
        const double x = all.value[a], y = all.value[b];
        const std::int32_t i = all.index[a], j = all.index[b];
        if (before(y, j, x, i) == forward) {
          all.value[a] = y;
          all.value[b] = x;
          all.index[a] = j;
          all.index[b] = i;
        }
      }
      __syncthreads();
    }
}

struct RoundArgs {
  const double* values;
  const std::int32_t* indices;  // null: 0, 1, ...
  std::int64_t size;
  int sorted;              // values per block, a power of two
  std::int64_t count;      // winners per block
  double* winning_values;  // null: the last round
  std::int32_t* winning_indices;
};

__global__ void __launch_bounds__(kThreads) tournament_kernel(RoundArgs args) {
  Contestants& all = block_shared<Contestants>();
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * args.sorted;
  for (int at = static_cast<int>(threadIdx.x); at < args.sorted; at += kThreads) {
    const std::int64_t i = first + at;
    const bool inside = i < args.size;
    all.value[at] = inside ? args.values[i] : static_cast<double>(NAN);
    all.index[at] = inside ? (args.indices != nullptr ? args.indices[i] : static_cast<std::int32_t>(i)) : kNobody;
  }
  __syncthreads();
  sort_contestants(all, args.sorted);
  const bool last = args.winning_values == nullptr;
  for (std::int64_t place = threadIdx.x; place < args.count; place += kThreads) {
    const std::int32_t index = place < args.sorted ? all.index[place] : kNobody;
    const std::int64_t to = static_cast<std::int64_t>(blockIdx.x) * args.count + place;
    args.winning_indices[to] = last && index == kNobody ? -1 : index;
    if (!last) args.winning_values[to] = all.value[place];
  }
}

/// One thread per value. All of a block look at the same kThreads others at a time.
__global__ void __launch_bounds__(kThreads)
    rank_kernel(const double* values, std::int64_t size, std::int64_t count, std::int32_t* indices) {
  Contestants& others = block_shared<Contestants>();
  const std::int64_t own = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const double value = own < size ? values[own] : 0.0;
  std::int64_t rank = 0;
  for (std::int64_t first = 0; first < size; first += kThreads) {
    const int others_count = static_cast<int>(size - first < kThreads ? size - first : kThreads);
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < others_count) others.value[threadIdx.x] = values[first + threadIdx.x];
    __syncthreads();
    for (int k = 0; k < others_count; ++k)
      if (before(others.value[k], static_cast<std::int32_t>(first + k), value, static_cast<std::int32_t>(own))) ++rank;
  }
  if (own < size && rank < count) indices[rank] = static_cast<std::int32_t>(own);
  // Places that nobody takes.
  if (own >= size && own < count) indices[own] = -1;
}

}  // namespace

void CudaBackend::run(const SelectTop& select) {
  enter();
  const std::int64_t count = select.indices.size, size = select.values.size;
  if (count == 0) return;
  if (count > kSorted / 2)
    return launch(*this, shape(ceil_div(std::max(size, count), kThreads), kThreads), rank_kernel, select.values.data, size,
                  count, select.indices.data);
  Arena::Scope scope(workspace());
  RoundArgs args{select.values.data, nullptr, size, kSorted, count, nullptr, nullptr};
  while (args.size > kSorted) {
    const std::int64_t blocks = ceil_div(args.size, kSorted), winners = blocks * count;
    args.winning_values = workspace().vector<double>(winners).data;
    args.winning_indices = workspace().vector<std::int32_t>(winners).data;
    launch(*this, shape(blocks, kThreads), tournament_kernel, args);
    args = {args.winning_values, args.winning_indices, winners, kSorted, count, nullptr, nullptr};
  }
  while (args.sorted / 2 >= args.size && args.sorted > 1) args.sorted /= 2;
  args.winning_indices = select.indices.data;
  launch(*this, shape(1, kThreads), tournament_kernel, args);
}

}  // namespace warpbo::backend
