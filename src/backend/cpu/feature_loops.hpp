/// The loops over random Fourier features, as vector code. Any number of rows; sums have an order that depends on it alone.
#pragma once

#include <cstdint>

namespace warpbo::backend::cpu {

/// y[i] += factor x[i].
void add_scaled(std::int64_t rows, double factor, const double* x, double* y);

/// y[i] = x[i] - factor z[i].
void subtract_scaled(std::int64_t rows, const double* x, double factor, const double* z, double* y);

/// Sum of x[i] y[i].
double dot(std::int64_t rows, const double* x, const double* y);

/// cosine[i], sine[i] of angle[i].
void cosines_and_sines(std::int64_t rows, const double* angle, double* cosine, double* sine);

/// Sum of a[i] cos(angle[i]) + b[i] sin(angle[i]); slope[i] = its derivative in angle[i], unless `slope` is null.
double wave_sum(std::int64_t rows, const double* angle, const double* a, const double* b, double* slope);

}  // namespace warpbo::backend::cpu
