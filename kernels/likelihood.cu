/// Likelihoods and their gradients, for any number of points (small ones: likelihood_small.cu).
///
/// C is built with two more rows, 1 and y: factoring it leaves the whitened columns L^-1 [1 y] there, so mean, outputscale and
/// value need no solve of their own. Then T = L^-1, alpha = T'(T (y - mean)), and one block per 64 x 64 tile of the lower
/// triangle of C^-1 = T'T: it makes the tile, weighs it and contracts it with what every dimension adds to r^2. Sums over tiles
/// are taken in order by a last kernel. For large n the tiles of C^-1 come from cuBLAS and stand in L's place, which nobody
/// needs any more: two n x n matrices are all (6.4 GB at n = 20,000).
///
/// Floor: n^3 flops (a third each for factor, inverse, product) and n^2/2 (4d + 60) fp64 instructions. Members of a batch are
/// worked on together, as many as fit into tuning().group_bytes; from vendor_cholesky_from points on one after the other, where
/// a wait for the number of active ones costs nothing. Launches per group: 6 and those of factor and inverse. Test:
/// tests/backend/likelihood_test.cpp.
#include "kernels/contraction.cuh"
#include "kernels/gram.hpp"
#include "kernels/launch.cuh"
#include "kernels/triangles.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

using namespace cuda;

constexpr int kThreads = 256;
constexpr int kFinishThreads = 512;

/// What a group of members has in the workspace.
struct GroupArgs {
  LikelihoodArgs likelihood;
  Matrix factor;    // (n + 2) x (n + 2): L below, then the whitened rows 1 and y; C^-1 in the end where cuBLAS makes it
  Matrix inverse;   // n x n: T
  Matrix scales;    // 2 x group: outputscale, value
  Matrix residual;  // n x group: L^-1 (y - mean)
  Matrix alpha;     // n x group
  Matrix partial;   // (d + 1) x tiles per member
};

/// *out = how many of the members [first, first + count) are active.
__global__ void count_active_kernel(const std::int32_t* active, std::int32_t first, std::int32_t count, std::int32_t* out) {
  if (threadIdx.x != 0) return;
  const std::int32_t rest = *active - first;
  *out = rest < 0 ? 0 : (rest > count ? count : rest);
}

/// Rows N (ones) and N + 1 (targets) below C, of size N. Their own corner is so large that its pivots stay positive.
__global__ void border_kernel(GroupArgs args) {
  const std::int64_t member = blockIdx.y, size = args.likelihood.points.rows;
  if (args.likelihood.idle(member)) return;
  const std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (j >= size + 2) return;
  constexpr double kCorner = 1e304;
  const Matrix factor = args.factor.member(member);
  double* column = factor.data + j * factor.leading;
  const bool inside = j < args.likelihood.size_of(member);
  if (j <= size) column[size] = inside ? 1.0 : (j == size ? kCorner : 0.0);
  column[size + 1] = inside ? args.likelihood.targets_of(member)[j] : (j == size + 1 ? kCorner : 0.0);
}

/// Mean, outputscale, value and info of one member, and its whitened residual.
__global__ void density_kernel(GroupArgs args) {
  const LikelihoodArgs& likelihood = args.likelihood;
  const std::int64_t member = blockIdx.x, size = likelihood.points.rows;
  if (likelihood.idle(member)) return;
  const std::int64_t n = likelihood.size_of(member);
  const Matrix factor = args.factor.member(member);
  const CovarianceView covariance = likelihood.covariance_of(member);
  const auto whitened = [&](int which, std::int64_t i) { return factor.data[size + which + i * factor.leading]; };
  double sums[4] = {};  // 1'1, 1'y, log|C|, penalty of the prior
  for (std::int64_t i = threadIdx.x; i < n; i += kThreads) {
    const double one = whitened(0, i);
    sums[0] += one * one;
    sums[1] += one * whitened(1, i);
    sums[2] += 2 * std::log(factor.data[i + i * factor.leading]);
  }
  for (std::int64_t k = threadIdx.x; k <= covariance.columns; k += kThreads)
    sums[3] += prior_penalty(likelihood.prior_of(member), covariance, k);
  block_sums(sums);
  const double mean = n > 0 ? sums[1] / sums[0] : 0.0;
  double quadratic = 0;
  for (std::int64_t i = threadIdx.x; i < size; i += kThreads) {  // beyond n both are 0
    const double residual = whitened(1, i) - mean * whitened(0, i);
    quadratic += residual * residual;
    if (likelihood.with_gradient()) args.residual.data[i + member * args.residual.leading] = residual;
  }
  quadratic = block_sum(quadratic);
  if (threadIdx.x != 0) return;
  const double count = static_cast<double>(n);
  const double shape = likelihood.prior_of(member).shape, rate = likelihood.prior_of(member).rate;
  const double outputscale = math::profiled_outputscale(count, quadratic, shape, rate);
  const double value = math::negative_log_density(count, quadratic, sums[2], outputscale, shape, rate) + sums[3];
  std::int32_t info = likelihood.info[member];
  if (info > n || (info == 0 && !isfinite(value))) info = static_cast<std::int32_t>(n + 1);
  likelihood.info[member] = info;
  likelihood.value[member] = info == 0 ? value : static_cast<double>(INFINITY);
  args.scales.data[member] = outputscale;
}

/// alpha = T' residual: one warp per column of T.
__global__ void alpha_kernel(GroupArgs args) {
  const std::int64_t member = blockIdx.y, n = args.likelihood.points.rows;
  if (args.likelihood.idle(member)) return;
  const std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * (kThreads / kWarp) + warp();
  if (j >= n) return;  // the whole warp
  const double* column = args.inverse.member(member).data + j * args.inverse.leading;
  const double* residual = args.residual.data + member * args.residual.leading;
  double sum = 0;
  for (std::int64_t i = j / kWarp * kWarp + lane(); i < n; i += kWarp)
    if (i >= j) sum += column[i] * residual[i];
  sum = warp_sum(sum);
  if (lane() == 0) args.alpha.data[j + member * args.alpha.leading] = sum;
}

/// One tile's sums, to column `tile` of `partial`. `kReady`: C^-1 stands in the factor's place.
template <bool kReady>
__global__ void __launch_bounds__(kPairThreads, 2) contraction_kernel(GroupArgs args) {
  const LikelihoodArgs& likelihood = args.likelihood;
  const std::int64_t member = blockIdx.y;
  if (likelihood.idle(member)) return;
  const TriangleTile tile = triangle_tile(blockIdx.x);
  const std::int64_t row = tile.row * kPairTile, column = tile.column * kPairTile;
  const CovarianceView covariance = likelihood.covariance_of(member);
  const ConstMatrix points = likelihood.points_of(member);
  ContractionMemory& memory = block_shared<ContractionMemory>();
  PairBlock weights, squared;
  if constexpr (kReady)
    load_precision_tile(args.factor.member(member).block(0, 0, args.inverse.rows, args.inverse.rows), row, column, weights);
  else
    precision_tile(memory.product, args.inverse.member(member), row, column, weights);
  pair_squared_distances(memory.pairs, covariance, points, row, points, column, squared);
  const double trace = weigh_tile(likelihood, member, points.rows, args.alpha.data + member * args.alpha.leading,
                                  args.scales.data[member], row, column, squared, weights);
  double* sums = args.partial.member(member).data + static_cast<std::int64_t>(blockIdx.x) * args.partial.leading;
  contract_tile(memory.pairs, covariance, points, row, column, weights, sums);
  if (tile.row != tile.column) {  // the trace has parts only on the diagonal
    if (threadIdx.x == 0) sums[covariance.columns] = 0;
    return;
  }
  const double total = block_sum(trace);
  if (threadIdx.x == 0) sums[covariance.columns] = total;
}

/// The gradient from the tiles' sums, one warp per entry; a member that failed gets zeros.
__global__ void __launch_bounds__(kFinishThreads) finish_kernel(GroupArgs args) {
  const LikelihoodArgs& likelihood = args.likelihood;
  const std::int64_t member = blockIdx.x;
  if (likelihood.idle(member)) return;
  const Matrix partial = args.partial.member(member);
  const CovarianceView covariance = likelihood.covariance_of(member);
  const auto entry = [&](std::int64_t k) -> double& {
    return likelihood.gradient.data[member + k * likelihood.gradient.leading];
  };
  bool finite = true;
  for (std::int64_t k = warp(); k <= covariance.columns; k += warps()) {
    double sum = 0;
    for (std::int64_t tile = lane(); tile < partial.columns; tile += kWarp) sum += partial.data[k + tile * partial.leading];
    sum = warp_sum(sum);
    // dr^2/d(log lengthscale) = -2 times what the dimension adds, and each pair of the lower triangle stands for two.
    const double slope = (k < covariance.columns ? -4 * sum : covariance.noise() * sum) +
                         prior_slope(likelihood.prior_of(member), covariance, k);
    finite = finite && isfinite(slope);
    if (lane() == 0) entry(k) = slope;
  }
  finite = block_max(finite ? 0.0 : 1.0) == 0;
  const std::int32_t info = likelihood.info[member];
  __syncthreads();
  if (info == 0 && finite) return;
  for (std::int64_t k = threadIdx.x; k <= covariance.columns; k += kFinishThreads) entry(k) = 0;
  if (threadIdx.x == 0 && info == 0) {
    likelihood.info[member] = static_cast<std::int32_t>(likelihood.size_of(member) + 1);
    likelihood.value[member] = static_cast<double>(INFINITY);
  }
}

/// The lower triangle of C^-1 = T'T by large products, into `out` (whose upper triangle is scratch). T has zeros above its
/// diagonal, so a block of rows needs the rows of T from its own first on: n^3/3 flops, and a strip's excess.
void large_precision(CudaBackend& backend, const ConstMatrix& inverse, const Matrix& out) {
  const std::int64_t n = inverse.rows, strip = backend.tuning().precision_strip;
  for (std::int64_t column = 0; column < n; column += strip)
    for (std::int64_t row = column; row < n; row += 2 * strip) {
      Dense::Product product;
      product.op_a = Op::transpose;
      product.m = std::min(2 * strip, n - row);
      product.n = std::min(strip, n - column);
      product.k = n - row;
      product.a = inverse.data + row + row * inverse.leading;
      product.lda = inverse.leading;
      product.b = inverse.data + row + column * inverse.leading;
      product.ldb = inverse.leading;
      product.beta = 0;
      product.c = out.data + row + column * out.leading;
      product.ldc = out.leading;
      backend.dense().gemm(product);
    }
}

/// Columns of a batch of matrices begin at whole cache lines.
Matrix aligned_matrix(Arena& arena, std::int64_t rows, std::int64_t columns, std::int64_t batch) {
  const std::int64_t leading = ceil_div(rows, 16) * 16;
  Matrix out = arena.matrix(leading, columns, batch);
  out.rows = rows;
  out.stride = leading * columns;
  return out;
}

class LargeLikelihood {
 public:
  LargeLikelihood(CudaBackend& backend, const Likelihood& call, const LikelihoodArgs& args)
      : backend_(backend),
        call_(call),
        args_(args),
        n_(call.points.rows),
        d_(call.points.columns),
        tiles_(ceil_div(n_, kPairTile)) {
    tiles_ = tiles_ * (tiles_ + 1) / 2;
  }

  void run(std::int64_t batch) {
    const bool one_by_one = n_ + 2 >= backend_.tuning().vendor_cholesky_from;
    if (one_by_one && args_.active != nullptr) {
      std::int32_t active = 0;
      backend_.download(&active, args_.active, sizeof active);
      batch = std::min<std::int64_t>(batch, active);
      args_.active = nullptr;
    }
    const std::size_t limit = std::min(static_cast<std::size_t>(backend_.tuning().group_bytes), backend_.traits().memory_limit);
    const auto fitting = static_cast<std::int64_t>(limit / member_bytes());
    const std::int64_t group = one_by_one ? 1 : std::clamp<std::int64_t>(fitting, 1, 32768);
    for (std::int64_t first = 0; first < batch; first += group) run_group(first, std::min(group, batch - first));
  }

 private:
  [[nodiscard]] std::size_t member_bytes() const {
    const std::int64_t matrices = args_gradient() ? 2 : 1;
    return static_cast<std::size_t>(matrices * (n_ + 18) * (n_ + 2) + 2 * n_ + (args_gradient() ? tiles_ * (d_ + 1) : 0)) *
           sizeof(double);
  }
  [[nodiscard]] bool args_gradient() const { return !call_.gradient.empty(); }

  void run_group(std::int64_t first, std::int64_t count) {
    Arena& arena = backend_.workspace();
    Arena::Scope scope(arena);
    GroupArgs group = group_args(first, count);
    const LikelihoodArgs& likelihood = group.likelihood;
    Gram gram;
    gram.kernel = call_.kernel;
    gram.points = likelihood.points;
    gram.theta = call_.theta.block(first, 0, count, d_ + 1);
    gram.noise_weights = call_.noise_weights;
    gram.out = group.factor.block(0, 0, n_, n_);
    fill_gram(backend_, gram, likelihood.active, likelihood.data, likelihood.indices);
    launch(backend_, shape(ceil_div(n_ + 2, kThreads), kThreads, count), border_kernel, group);
    factor_lower(backend_, group.factor, 0, likelihood.info, likelihood.active);
    launch(backend_, shape(count, kThreads), density_kernel, group);
    if (args_gradient()) gradient(group, count);
  }

  GroupArgs group_args(std::int64_t first, std::int64_t count) {
    Arena& arena = backend_.workspace();
    GroupArgs group;
    group.likelihood = args_;
    LikelihoodArgs& likelihood = group.likelihood;
    likelihood.covariance.theta += first;
    if (likelihood.data != nullptr) {
      likelihood.indices += first;
    } else {
      likelihood.points.data += first * likelihood.points.stride;
      likelihood.targets.data += first * likelihood.targets.stride;
    }
    likelihood.value += first;
    likelihood.info += first;
    if (args_gradient()) likelihood.gradient.data += first;
    if (first > 0 && args_.active != nullptr) {
      const auto active = arena.vector<std::int32_t>(1);
      launch(backend_, shape(1, kWarp), count_active_kernel, args_.active, static_cast<std::int32_t>(first),
             static_cast<std::int32_t>(count), active.data);
      likelihood.active = active.data;
    }
    group.factor = aligned_matrix(arena, n_ + 2, n_ + 2, count);
    group.scales = arena.matrix(1, count);
    if (!args_gradient()) return group;
    group.inverse = aligned_matrix(arena, n_, n_, count);
    group.residual = arena.matrix(n_, count);
    group.alpha = arena.matrix(n_, count);
    group.partial = arena.matrix(d_ + 1, tiles_, count);
    group.partial.stride = (d_ + 1) * tiles_;
    return group;
  }

  void gradient(const GroupArgs& group, std::int64_t count) {
    const std::int32_t* active = group.likelihood.active;
    const bool large = n_ >= backend_.tuning().vendor_precision_from;
    if (large) backend_.fill(group.inverse, 0);
    invert_lower(backend_, group.factor.block(0, 0, n_, n_), 0, group.inverse, active);
    launch(backend_, shape(ceil_div(n_, kThreads / kWarp), kThreads, count), alpha_kernel, group);
    if (large) {
      for (std::int64_t p = 0; p < count; ++p) large_precision(backend_, group.inverse.member(p), group.factor.member(p));
      launch(backend_, shape(tiles_, kPairThreads, count), contraction_kernel<true>, group);
    } else {
      launch(backend_, shape(tiles_, kPairThreads, count), contraction_kernel<false>, group);
    }
    launch(backend_, shape(count, kFinishThreads), finish_kernel, group);
  }

  CudaBackend& backend_;
  const Likelihood& call_;
  LikelihoodArgs args_;
  std::int64_t n_, d_, tiles_;
};

}  // namespace

void CudaBackend::run(const Likelihood& likelihood) {
  enter();
  const std::int64_t batch = likelihood.theta.rows;
  if (batch == 0) return;
  const LikelihoodArgs args{covariance_view(likelihood.kernel, likelihood.theta, likelihood.points.columns),
                            likelihood.points,
                            likelihood.targets,
                            likelihood.noise_weights.empty() ? nullptr : likelihood.noise_weights.data,
                            likelihood.prior,
                            likelihood.active,
                            likelihood.value.data,
                            likelihood.gradient,
                            likelihood.info.data,
                            likelihood.data.data,
                            likelihood.indices.data};
  if (!small_likelihood(*this, args, batch)) LargeLikelihood(*this, likelihood, args).run(batch);
}

}  // namespace warpbo::backend
