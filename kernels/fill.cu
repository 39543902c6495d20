/// Quasi-random and random matrices, and constants.
///
/// One thread per number; only integer arithmetic and exact conversions (this file is compiled without contraction of multiply
/// and add), so the points are the CPU's bit for bit. Floor: 8 bytes written per number. Test: tests/backend/fill_test.cpp.
#include "kernels/launch.cuh"
#include "math/philox.hpp"
#include "math/sobol.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

using namespace cuda;

constexpr int kThreads = 256;

/// Row of a thread's number: blocks run over the rows, grid.y over the columns, grid.z over the members.
__device__ std::int64_t own_row() { return static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; }

__global__ void sobol_kernel(Matrix out, const std::uint32_t* directions, std::uint64_t seed, std::uint64_t first) {
  const std::int64_t i = own_row(), k = blockIdx.y;
  if (i >= out.rows) return;
  const auto& table = *reinterpret_cast<const math::SobolDirections*>(directions);
  out.data[i + k * out.leading] =
      math::sobol_uniform(table, seed, first + static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(k));
}

__global__ void random_kernel(Matrix out, std::uint64_t seed, std::uint64_t stream, bool normal, const double* row_factors) {
  const std::int64_t i = own_row(), k = blockIdx.y;
  if (i >= out.rows) return;
  const auto row = static_cast<std::uint64_t>(i), column = static_cast<std::uint64_t>(k);
  const double number =
      normal ? math::philox_normal(seed, stream, row, column) : math::philox_uniform(seed, stream, row, column);
  out.data[i + k * out.leading] = (row_factors != nullptr ? row_factors[i] : 1.0) * number;
}

__global__ void constant_kernel(Matrix out, double value) {
  const std::int64_t i = own_row();
  for (std::int64_t k = blockIdx.y; k < out.columns; k += gridDim.y)
    if (i < out.rows) out.member(blockIdx.z).data[i + k * out.leading] = value;
}

}  // namespace

void CudaBackend::run(const FillSobol& fill) {
  enter();
  if (fill.out.empty()) return;
  launch(*this, shape(ceil_div(fill.out.rows, kThreads), kThreads, fill.out.columns), sobol_kernel, fill.out,
         sobol_directions(), fill.seed, static_cast<std::uint64_t>(fill.first));
}

void CudaBackend::run(const FillRandom& fill) {
  enter();
  if (fill.out.empty()) return;
  launch(*this, shape(ceil_div(fill.out.rows, kThreads), kThreads, fill.out.columns), random_kernel, fill.out, fill.seed,
         fill.stream, fill.normal, fill.row_factors.empty() ? nullptr : fill.row_factors.data);
}

void CudaBackend::fill(const Matrix& out, double value) {
  enter();
  if (out.empty()) return;
  const Shape grid{dim3(static_cast<unsigned>(ceil_div(out.rows, kThreads)),
                        static_cast<unsigned>(std::min<std::int64_t>(out.columns, 32768)), static_cast<unsigned>(out.batch)),
                   dim3(kThreads)};
  launch(*this, grid, constant_kernel, out, value);
}

}  // namespace warpbo::backend
