/// A triangular matrix times a few columns: too few for the dense library, which first copies the whole matrix into its own
/// order.
#pragma once

#include "backend/cpu/team.hpp"

#include <cstdint>

namespace warpbo::backend::cpu {

/// C (n x m, distance ldc) = alpha L B + beta C for lower triangular L, of which nothing above the diagonal is read. C and B do
/// not overlap. The team's threads take ranges of rows; the result does not depend on how many there are.
void multiply_few(std::int64_t n, std::int64_t m, double alpha, const double* l, std::int64_t ldl, const double* b,
                  std::int64_t ldb, double beta, double* c, std::int64_t ldc, const Team& team);
/// The same with L'.
void multiply_few_transposed(std::int64_t n, std::int64_t m, double alpha, const double* l, std::int64_t ldl, const double* b,
                             std::int64_t ldb, double beta, double* c, std::int64_t ldc, const Team& team);

}  // namespace warpbo::backend::cpu
