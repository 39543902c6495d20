/// Batched work on lower triangles, used by several operations. Everything is queued on the backend's stream.
///
/// `active` (device memory, may be null) is how many members of the batch are to be worked on; kernels read it themselves.
#pragma once

#include "backend/cuda/cuda_backend.hpp"
#include "backend/views.hpp"

#include <cstdint>

namespace warpbo::backend::cuda {

/// In place: A -> L per member, as Cholesky in backend.hpp says. `info` has one entry per member. `inverse`: as there, or
/// empty.
void factor_lower(CudaBackend& backend, const Matrix& a, std::int64_t existing, std::int32_t* info, const std::int32_t* active,
                  const ConstMatrix& inverse = {});

/// out = L^-1 per member, as TriangularInverse in backend.hpp says. The strict upper triangle of `out` is not touched.
void invert_lower(CudaBackend& backend, const ConstMatrix& factor, std::int64_t existing, const Matrix& out,
                  const std::int32_t* active);

/// out = scale * op(L) op(B) + keep * out per member for lower triangles L (n x n, upper part not read) and op(B) of n x m,
/// where B is stored as m x n if `right_transposed`. keep = 0 overwrites whatever `out` held. `active_columns` (device memory,
/// may be null): only the first so many columns of op(B) are in use; the others may be skipped or computed.
void multiply_lower(CudaBackend& backend, bool transposed, const ConstMatrix& lower, const ConstMatrix& right, double scale,
                    double keep, const Matrix& out, const std::int32_t* active_columns, bool right_transposed = false);

/// out = scale * op(A) op(B) + keep * out per member for full matrices.
void multiply_full(CudaBackend& backend, bool transpose_left, const ConstMatrix& left, bool transpose_right,
                   const ConstMatrix& right, double scale, double keep, const Matrix& out);

}  // namespace warpbo::backend::cuda
