#include "backend/cpu/covariance_loops.hpp"

#include "backend/cpu/vectorize.hpp"

namespace warpbo::backend::cpu {

WARPBO_VECTORIZED
void squared_distances(const ScaledPoints& left, std::int64_t first, std::int64_t rows, const double* right, double* out) {
  const double* base = left.data + first;
  std::int64_t i = 0;
  // Four independent sums at a time hide the latency of multiply-add.
  for (; i + 4 * kLanes <= rows; i += 4 * kLanes) {
    Lanes sum0{}, sum1{}, sum2{}, sum3{};
    for (std::int64_t k = 0; k < left.numeric; ++k) {
      const double* column = base + i + k * left.leading;
      const double x = right[k];
      const Lanes d0 = load(column) - x, d1 = load(column + kLanes) - x;
      const Lanes d2 = load(column + 2 * kLanes) - x, d3 = load(column + 3 * kLanes) - x;
      sum0 += d0 * d0;
      sum1 += d1 * d1;
      sum2 += d2 * d2;
      sum3 += d3 * d3;
    }
    store(out + i, sum0);
    store(out + i + kLanes, sum1);
    store(out + i + 2 * kLanes, sum2);
    store(out + i + 3 * kLanes, sum3);
  }
  for (; i < rows; i += kLanes) {
    Lanes sum{};
    for (std::int64_t k = 0; k < left.numeric; ++k) {
      const Lanes d = load(base + i + k * left.leading) - right[k];
      sum += d * d;
    }
    store(out + i, sum);
  }
  for (std::int64_t k = left.numeric; k < left.columns; ++k) {
    const double* column = base + k * left.leading;
    const double weight = left.weights[k - left.numeric], x = right[k];
    for (std::int64_t row = 0; row < rows; ++row) out[row] += column[row] != x ? weight : 0.0;
  }
}

WARPBO_VECTORIZED
void covariance_values(math::KernelFamily family, std::int64_t rows, const double* __restrict squared,
                       double* __restrict value) {
  if (family == math::KernelFamily::matern52)
    for (std::int64_t i = 0; i < rows; ++i) value[i] = math::matern52(squared[i]).value;
  else
    for (std::int64_t i = 0; i < rows; ++i) value[i] = math::rbf(squared[i]).value;
}

WARPBO_VECTORIZED
void covariance_slopes(math::KernelFamily family, std::int64_t rows, const double* __restrict squared, double* __restrict value,
                       double* __restrict slope) {
  if (family == math::KernelFamily::matern52) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const math::CovarianceValue k = math::matern52(squared[i]);
      value[i] = k.value;
      slope[i] = k.slope;
    }
  } else {
    for (std::int64_t i = 0; i < rows; ++i) {
      const math::CovarianceValue k = math::rbf(squared[i]);
      value[i] = k.value;
      slope[i] = k.slope;
    }
  }
}

WARPBO_VECTORIZED
void add_weighted_squares(const ScaledPoints& left, std::int64_t first, std::int64_t rows, const double* right,
                          const double* factor, double* sums) {
  const double* base = left.data + first;
  for (std::int64_t k = 0; k < left.numeric; ++k) {
    const double* column = base + k * left.leading;
    const double x = right[k];
    Lanes even = load(sums + k * kLanes), odd{};
    std::int64_t i = 0;
    for (; i + 2 * kLanes <= rows; i += 2 * kLanes) {
      const Lanes d0 = load(column + i) - x, d1 = load(column + i + kLanes) - x;
      even += load(factor + i) * (d0 * d0);
      odd += load(factor + i + kLanes) * (d1 * d1);
    }
    if (i < rows) {
      const Lanes d = load(column + i) - x;
      even += load(factor + i) * (d * d);
    }
    store(sums + k * kLanes, even + odd);
  }
  for (std::int64_t k = left.numeric; k < left.columns; ++k) {
    const double* column = base + k * left.leading;
    const double weight = left.weights[k - left.numeric], x = right[k];
    Lanes sum = load(sums + k * kLanes);
    for (std::int64_t i = 0; i < rows; i += kLanes) {
      sum += weight * where_different(load(column + i), x, load(factor + i));
    }
    store(sums + k * kLanes, sum);
  }
}

WARPBO_VECTORIZED
void add_weighted_differences(const ScaledPoints& left, std::int64_t first, std::int64_t rows, const double* right,
                              const double* factor, double* sums) {
  const double* base = left.data + first;
  for (std::int64_t k = 0; k < left.numeric; ++k) {
    const double* column = base + k * left.leading;
    const double x = right[k];
    Lanes even = load(sums + k * kLanes), odd{};
    std::int64_t i = 0;
    for (; i + 2 * kLanes <= rows; i += 2 * kLanes) {
      even += load(factor + i) * (x - load(column + i));
      odd += load(factor + i + kLanes) * (x - load(column + i + kLanes));
    }
    if (i < rows) even += load(factor + i) * (x - load(column + i));
    store(sums + k * kLanes, even + odd);
  }
}

WARPBO_VECTORIZED
void combine(std::int64_t rows, double a, const double* __restrict x, double b, const double* __restrict y,
             const double* __restrict slope, double* __restrict out) {
  if (x == nullptr)
    for (std::int64_t i = 0; i < rows; ++i) out[i] = b * y[i] * slope[i];
  else if (b == 0)
    for (std::int64_t i = 0; i < rows; ++i) out[i] = a * x[i] * slope[i];
  else
    for (std::int64_t i = 0; i < rows; ++i) out[i] = (a * x[i] + b * y[i]) * slope[i];
}

WARPBO_VECTORIZED
double sum_of_squares(std::int64_t rows, const double* x) {
  Lanes even{}, odd{};
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= rows; i += 2 * kLanes) {
    even += load(x + i) * load(x + i);
    odd += load(x + i + kLanes) * load(x + i + kLanes);
  }
  alignas(64) double lanes[kLanes];
  store(lanes, even + odd);
  double rest = 0;
  for (; i < rows; ++i) rest += x[i] * x[i];
  return sum_lanes(lanes) + rest;
}

}  // namespace warpbo::backend::cpu
