/// Acquisition values and gradients at a tile's queries, from K, its slopes, V and U: everything that follows the products, in
/// one launch.
///
/// With w the weights, h = dk/d(r^2), delta_ik = x_k - x_ik, and b_s, b_v the derivatives of the acquisition with respect to
/// the mean of sample s and to the variance:
///   gradient_k = (2 outputscale / l_k^2) sum_i h_i (sum_s b_s w_is - 2 b_v U_i) delta_ik
/// One block of 512 threads takes kQueries queries and a strip of the points: it sums V'V (and K'w of a single sample), puts
/// the factors h_i w_i and h_i U_i into shared memory, and then each warp contracts them with one dimension after the other.
/// The two parts stay apart until the end, so that for a single sample the acquisition (an exponential, a logarithm and two
/// polynomials of degree 25, one after the other) is evaluated by another warp meanwhile. With many samples (kSampled) the
/// acquisition comes first, and the factor is h_i sum_s b_s w_is: kGroups threads share the samples of one point.
///
///   <1, 1, false>  few queries, one sample: all points in one strip of up to 2048
///   <1, 2, true>   few queries, S samples: strips of 256 points, since n S weights would take 8 n S / 64 cycles through one
///                  multiprocessor (4.6 us at n = 1000, S = 64); what depends on the query alone is done by every strip
///   <4, 1, *>      many queries: four queries share every coordinate and weight that is loaded; one strip
/// More than one strip leaves its parts in the workspace, and a second kernel adds them in order.
///
/// Floor: 32 n c bytes read. n = 1000, c = 20, d = 10, S = 1: 80 KB of coordinates through each of 20 multiprocessors at 64
/// bytes a cycle, 0.7 us, and a chain of load, two reductions, load, reduction: about 2 us. Test:
/// tests/backend/acquisition_test.cpp.
#include "kernels/launch.cuh"
#include "kernels/query_distances.cuh"
#include "kernels/query_tile.hpp"
#include "kernels/reduce.cuh"

namespace warpbo::backend::cuda {

namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / kWarp;
constexpr int kFactors = 2048;      // queries x points whose factors are in shared memory
constexpr int kSamplesAtOnce = 64;  // whose derivatives are in shared memory
constexpr int kSampleGroups = 2;
constexpr int kGatherThreads = 128;

struct GradientArgs {
  CovarianceView covariance;
  ConstMatrix points, queries;
  ConstMatrix weights;       // n x S; empty: the mean does not matter
  ConstMatrix sample_means;  // c x S; empty for a single sample
  ConstMatrix k;             // n x c, and so are the next three, with the same leading dimension
  const double* slope;
  const double* whitened;    // null: the variance does not matter
  const double* unwhitened;  // null: its gradient does not matter
  double mean, outputscale;
  AcquisitionView acquisition;
  bool acquire;        // false: only the gradients of the moments
  std::int64_t strip;  // points per block
  double* value;       // null: not wanted
  Matrix gradient;     // c x d, one member per strip; the other two only if there is one strip
  Matrix mean_gradient;
  Matrix variance_gradient;
  QueryRows rows;
};

template <int kQueries, int kGroups>
struct GradientMemory {
  double by_weights[kQueries][kFactors / kQueries];     // h_i w_i, or h_i sum_s b_s w_is
  double by_unwhitened[kQueries][kFactors / kQueries];  // h_i U_i
  double sample_slope[kQueries][kSamplesAtOnce];        // b_s
  double partial[kGroups][kThreads / kGroups];
  double by_mean[kQueries], by_variance[kQueries];  // derivatives, where the factor does not hold b_s
  double largest[kQueries], total[kQueries], inverse_sd[kQueries];
};

/// All members are called by all threads of the block.
template <int kQueries, int kGroups, bool kSampled>
class GradientBlock {
 public:
  __device__ GradientBlock(const GradientArgs& args, std::int64_t first)
      : args_(args),
        memory_(block_shared<GradientMemory<kQueries, kGroups>>()),
        used_(args.rows.used()),
        first_(first),
        n_(args.points.rows) {}

  __device__ void run() {
    sum_moments();
    if constexpr (kSampled) {
      acquire_all();
      __syncthreads();
    }
    const std::int64_t strip_begin = static_cast<std::int64_t>(blockIdx.y) * args_.strip;
    const std::int64_t strip_end = strip_begin + args_.strip < n_ ? strip_begin + args_.strip : n_;
    const std::int64_t d = args_.covariance.columns;
    for (std::int64_t first_k = 0; first_k < d; first_k += kWarps * kDimensions) {
      Sums sums = {};
      bool acquired = kSampled || first_k > 0;
      std::int64_t begin = strip_begin;
      do {
        const int count = static_cast<int>(strip_end - begin < kPoints ? strip_end - begin : kPoints);
        prepare_factors(begin, count);
        if (!acquired) acquire_all();
        acquired = true;
        contract(first_k, begin, count, sums);
        begin += kPoints;
      } while (begin < strip_end);
      __syncthreads();
      write(first_k, sums);
    }
  }

 private:
  static constexpr int kDimensions = kQueries == 1 ? 2 : 1;  // of one warp at a time
  static constexpr int kPoints = kSampled ? kThreads / kGroups : kFactors / kQueries;
  static_assert(kPoints * kQueries <= kFactors && (kGroups == 1 || kQueries == 1));
  using Sums = double[kDimensions][kQueries][2];

  /// The last queries of a block may be repetitions.
  [[nodiscard]] __device__ std::int64_t query(int j) const { return first_ + j < used_ ? first_ + j : used_ - 1; }
  [[nodiscard]] __device__ std::int64_t column(int j) const { return query(j) * args_.k.leading; }

  __device__ void sum_moments() {
    double sums[2 * kQueries] = {};
#pragma unroll 4
    for (std::int64_t i = threadIdx.x; i < n_; i += kThreads) {
      const double weight = !kSampled && !args_.weights.empty() ? args_.weights.data[i] : 0.0;
#pragma unroll
      for (int j = 0; j < kQueries; ++j) {
        const double v = args_.whitened != nullptr ? args_.whitened[i + column(j)] : 0.0;
        sums[2 * j] += v * v;
        if (!kSampled) sums[2 * j + 1] += args_.k.data[i + column(j)] * weight;
      }
    }
    block_sums(sums);
#pragma unroll
    for (int j = 0; j < kQueries; ++j) {
      const double rest = 1 - sums[2 * j];
      variance_[j] = args_.outputscale * (rest < 0 ? 0.0 : rest);  // a NaN stays a NaN
      mean_[j] = args_.mean + args_.outputscale * sums[2 * j + 1];
    }
  }

  /// By one warp per query, the last ones: they have the fewest dimensions to contract.
  __device__ void acquire_all() {
    if (!args_.acquire) return;
#pragma unroll
    for (int j = 0; j < kQueries; ++j) {
      if (warp() != kWarps - 1 - j) continue;
      Acquired acquired;
      if constexpr (kSampled)
        acquired = acquire<OneWarp>(
            args_.acquisition, [&](std::int64_t s) { return sample_mean(j, s); }, variance_[j]);
      else
        acquired = acquire<OneThread>(
            args_.acquisition, [&](std::int64_t) { return mean_[j]; }, variance_[j]);
      if (lane() > 0) continue;
      memory_.by_mean[j] = kSampled ? 1.0 : acquired.by_mean(args_.acquisition, mean_[j], 0);
      memory_.by_variance[j] = acquired.by_variance;
      memory_.largest[j] = acquired.largest;
      memory_.total[j] = acquired.total;
      memory_.inverse_sd[j] = acquired.inverse_sd;
      if (args_.value != nullptr && blockIdx.y == 0 && first_ + j < used_) args_.value[first_ + j] = acquired.value;
    }
  }

  [[nodiscard]] __device__ double sample_mean(int j, std::int64_t s) const {
    return args_.sample_means.data[query(j) + s * args_.sample_means.leading];
  }

  /// Factors of points [begin, begin + count). Begins and ends with a barrier.
  __device__ void prepare_factors(std::int64_t begin, int count) {
    __syncthreads();
    if constexpr (kSampled) {
      sampled_factors(begin, count);
    } else {
#pragma unroll 4
      for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads) {
        const double weight = args_.weights.empty() ? 0.0 : args_.weights.data[begin + i];
        write_factors(begin, i, [&](int) { return weight; });
      }
    }
    __syncthreads();
  }

  template <class WeightOf>
  __device__ void write_factors(std::int64_t begin, int i, WeightOf&& weight_of) {
#pragma unroll
    for (int j = 0; j < kQueries; ++j) {
      const std::int64_t at = begin + i + column(j);
      const double slope = args_.slope[at];
      memory_.by_weights[j][i] = slope * weight_of(j);
      memory_.by_unwhitened[j][i] = args_.unwhitened != nullptr ? slope * args_.unwhitened[at] : 0.0;
    }
  }

  /// Thread t works for point t % kPoints, on every kGroups-th sample.
  __device__ void sampled_factors(std::int64_t begin, int count) {
    const int i = static_cast<int>(threadIdx.x) % kPoints, group = static_cast<int>(threadIdx.x) / kPoints;
    const std::int64_t samples = args_.acquisition.samples;
    double coefficient[kQueries] = {};
    for (std::int64_t s = 0; s < samples; s += kSamplesAtOnce) {
      const int held = static_cast<int>(samples - s < kSamplesAtOnce ? samples - s : kSamplesAtOnce);
      if (samples > kSamplesAtOnce || !slopes_ready_) load_sample_slopes(s, held);
      slopes_ready_ = true;
      if (i >= count) continue;
#pragma unroll 16
      for (int own = group; own < held; own += kGroups) {
        const double weight = args_.weights.data[begin + i + (s + own) * args_.weights.leading];
#pragma unroll
        for (int j = 0; j < kQueries; ++j) coefficient[j] += weight * memory_.sample_slope[j][own];
      }
    }
    if constexpr (kGroups > 1) {
      memory_.partial[group][i] = coefficient[0];
      __syncthreads();
      coefficient[0] = 0;
#pragma unroll
      for (int other = 0; other < kGroups; ++other) coefficient[0] += memory_.partial[other][i];
    }
    if (group == 0 && i < count) write_factors(begin, i, [&](int j) { return coefficient[j]; });
  }

  /// b_s of samples [s, s + held). Begins and ends with a barrier.
  __device__ void load_sample_slopes(std::int64_t s, int held) {
    __syncthreads();
    const int t = static_cast<int>(threadIdx.x), j = t / kSamplesAtOnce, own = t % kSamplesAtOnce;
    static_assert(kQueries * kSamplesAtOnce <= kThreads);
    if (j < kQueries && own < held) {
      const Acquired acquired{0, 0, memory_.largest[j], memory_.total[j], memory_.inverse_sd[j]};
      memory_.sample_slope[j][own] = acquired.by_mean(args_.acquisition, sample_mean(j, s + own), s + own);
    }
    __syncthreads();
  }

  /// Adds sum_i factor_i delta_ik over points [begin, begin + count) for this warp's dimensions k.
  __device__ void contract(std::int64_t first_k, std::int64_t begin, int count, Sums& sums) const {
#pragma unroll
    for (int a = 0; a < kDimensions; ++a) {
      const std::int64_t k = first_k + warp() + a * kWarps;
      if (k >= args_.covariance.columns || args_.covariance.is_categorical(k)) continue;
      double x[kQueries];
#pragma unroll
      for (int j = 0; j < kQueries; ++j) x[j] = args_.queries.data[query(j) + k * args_.queries.leading];
      const std::int64_t points = begin + k * args_.points.leading;
#pragma unroll 4
      for (int i = lane(); i < count; i += kWarp) {
        const double point = args_.points.data[points + i];
#pragma unroll
        for (int j = 0; j < kQueries; ++j) {
          const double delta = x[j] - point;
          sums[a][j][0] += memory_.by_weights[j][i] * delta;
          sums[a][j][1] += memory_.by_unwhitened[j][i] * delta;
        }
      }
    }
  }

  __device__ void write(std::int64_t first_k, const Sums& sums) const {
#pragma unroll
    for (int a = 0; a < kDimensions; ++a) {
      const std::int64_t k = first_k + warp() + a * kWarps;
      if (k >= args_.covariance.columns) continue;
      const bool numeric = !args_.covariance.is_categorical(k);
      const double inverse = args_.covariance.inverse_lengthscale(k), scale = 2 * args_.outputscale * inverse * inverse;
#pragma unroll
      for (int j = 0; j < kQueries; ++j) {
        const double by_mean = scale * warp_sum(sums[a][j][0]), by_variance = -2 * scale * warp_sum(sums[a][j][1]);
        if (lane() == 0 && first_ + j < used_) write_entry(j, k, numeric, by_mean, by_variance);
      }
    }
  }

  /// `by_mean`, `by_variance`: what mean and variance of query j change by with coordinate k.
  __device__ void write_entry(int j, std::int64_t k, bool numeric, double by_mean, double by_variance) const {
    const std::int64_t q = first_ + j;
    if (!args_.gradient.empty()) {
      const double slope = memory_.by_mean[j] * by_mean + memory_.by_variance[j] * by_variance;
      args_.gradient.member(blockIdx.y).data[q + k * args_.gradient.leading] = numeric ? slope : 0.0;
    }
    if (!args_.mean_gradient.empty()) args_.mean_gradient.data[q + k * args_.mean_gradient.leading] = numeric ? by_mean : 0.0;
    // Where the variance is cut off at 0 it is constant.
    if (!args_.variance_gradient.empty())
      args_.variance_gradient.data[q + k * args_.variance_gradient.leading] = numeric && variance_[j] != 0 ? by_variance : 0.0;
  }

  const GradientArgs& args_;
  GradientMemory<kQueries, kGroups>& memory_;
  std::int64_t used_, first_, n_;
  double mean_[kQueries], variance_[kQueries];
  bool slopes_ready_ = false;
};

template <int kQueries, int kGroups, bool kSampled>
__global__ void __launch_bounds__(kThreads) query_gradient_kernel(GradientArgs args) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kQueries;
  if (first >= args.rows.used()) return;
  GradientBlock<kQueries, kGroups, kSampled>(args, first).run();
}

/// out = the sum over the strips.
__global__ void __launch_bounds__(kGatherThreads) gather_gradient_kernel(ConstMatrix parts, Matrix out, QueryRows rows) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kGatherThreads + threadIdx.x;
  const std::int64_t q = at % rows.count, k = at / rows.count;
  if (q >= rows.used() || k >= out.columns) return;
  double sum = 0;
#pragma unroll 8
  for (std::int64_t strip = 0; strip < parts.batch; ++strip) sum += parts.data[q + k * parts.leading + strip * parts.stride];
  out.data[q + k * out.leading] = sum;
}

template <int kQueries, int kGroups, bool kSampled>
void launch_gradients(CudaBackend& backend, const GradientArgs& args, std::int64_t strips) {
  launch(backend, shape(ceil_div(args.rows.count, kQueries), kThreads, strips),
         query_gradient_kernel<kQueries, kGroups, kSampled>, args);
}

}  // namespace

void QueryTile::gradients(const GradientOutputs& wanted, const ConstMatrix& sample_means) {
  const std::int64_t n = model_.points.rows, d = queries_.columns, count = rows_.count;
  const bool sampled = !sample_means.empty(), few = few_queries(backend_, count);
  const bool apart = wanted.mean_gradient.empty() && wanted.variance_gradient.empty();
  const bool with_mean = wanted.acquisition != nullptr ? wanted.acquisition->needs_mean() : !wanted.mean_gradient.empty();
  GradientArgs args{covariance_view(model_.kernel, model_.theta, d),
                    model_.points,
                    queries_,
                    with_mean ? model_.weights : ConstMatrix{},
                    sample_means,
                    covariance_,
                    slope_.data,
                    whitened_.data,
                    unwhitened_.data,
                    model_.mean,
                    model_.outputscale,
                    wanted.acquisition != nullptr ? *wanted.acquisition : AcquisitionView{},
                    wanted.acquisition != nullptr,
                    std::max<std::int64_t>(1, n),
                    wanted.value,
                    wanted.gradient,
                    wanted.mean_gradient,
                    wanted.variance_gradient,
                    rows_};
  std::int64_t strips = 1;
  if (few && apart) {
    args.strip = sampled ? kThreads / kSampleGroups : kFactors;
    strips = std::max<std::int64_t>(1, ceil_div(n, args.strip));
    if (strips > 1) args.gradient = backend_.workspace().matrix(count, d, strips);
  }
  if (sampled && few)
    launch_gradients<1, kSampleGroups, true>(backend_, args, strips);
  else if (sampled)
    launch_gradients<4, 1, true>(backend_, args, strips);
  else if (few)
    launch_gradients<1, 1, false>(backend_, args, strips);
  else
    launch_gradients<4, 1, false>(backend_, args, strips);
  if (strips > 1)
    launch(backend_, shape(ceil_div(count * d, kGatherThreads), kGatherThreads), gather_gradient_kernel, args.gradient,
           wanted.gradient, rows_);
}

}  // namespace warpbo::backend::cuda
