#include "backend/cpu/feature_loops.hpp"

#include "backend/cpu/covariance_loops.hpp"
#include "backend/cpu/vectorize.hpp"
#include "math/sine_cosine.hpp"

namespace warpbo::backend::cpu {

namespace {

constexpr std::int64_t kChunk = 128;

}  // namespace

WARPBO_VECTORIZED
void add_scaled(std::int64_t rows, double factor, const double* __restrict x, double* __restrict y) {
  for (std::int64_t i = 0; i < rows; ++i) y[i] += factor * x[i];
}

WARPBO_VECTORIZED
void subtract_scaled(std::int64_t rows, const double* __restrict x, double factor, const double* __restrict z,
                     double* __restrict y) {
  for (std::int64_t i = 0; i < rows; ++i) y[i] = x[i] - factor * z[i];
}

WARPBO_VECTORIZED
double dot(std::int64_t rows, const double* x, const double* y) {
  Lanes even{}, odd{};
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= rows; i += 2 * kLanes) {
    even += load(x + i) * load(y + i);
    odd += load(x + i + kLanes) * load(y + i + kLanes);
  }
  alignas(64) double lanes[kLanes];
  store(lanes, even + odd);
  double rest = 0;
  for (; i < rows; ++i) rest += x[i] * y[i];
  return sum_lanes(lanes) + rest;
}

WARPBO_VECTORIZED
void cosines_and_sines(std::int64_t rows, const double* __restrict angle, double* __restrict cosine, double* __restrict sine) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const math::SineCosine both = math::sine_cosine(angle[i]);
    cosine[i] = both.cosine;
    sine[i] = both.sine;
  }
}

WARPBO_VECTORIZED
double wave_sum(std::int64_t rows, const double* __restrict angle, const double* __restrict a, const double* __restrict b,
                double* __restrict slope) {
  alignas(64) double term[kChunk];
  double sum = 0;
  for (std::int64_t begin = 0; begin < rows; begin += kChunk) {
    const std::int64_t count = rows - begin < kChunk ? rows - begin : kChunk;
    if (slope != nullptr) {
      for (std::int64_t i = 0; i < count; ++i) {
        const math::SineCosine both = math::sine_cosine(angle[begin + i]);
        term[i] = a[begin + i] * both.cosine + b[begin + i] * both.sine;
        slope[begin + i] = b[begin + i] * both.cosine - a[begin + i] * both.sine;
      }
    } else {
      for (std::int64_t i = 0; i < count; ++i) {
        const math::SineCosine both = math::sine_cosine(angle[begin + i]);
        term[i] = a[begin + i] * both.cosine + b[begin + i] * both.sine;
      }
    }
    Lanes lanes{};
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) lanes += load(term + i);
    alignas(64) double parts[kLanes];
    store(parts, lanes);
    double rest = 0;
    for (; i < count; ++i) rest += term[i];
    sum += sum_lanes(parts) + rest;
  }
  return sum;
}

}  // namespace warpbo::backend::cpu
