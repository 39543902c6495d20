/// The benchmarks' data. peers.py makes the same numbers: uniforms from a hash of (seed, index), nothing else.
#pragma once

#include "backend/memory.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace warpbo::bench {

/// Uniform in [0, 1): the upper 53 bits of splitmix64's mixing of seed * 2^32 + index (Steele, Lea & Flood 2014).
[[nodiscard]] double uniform(std::uint64_t seed, std::uint64_t index);
[[nodiscard]] std::vector<double> uniforms(std::uint64_t seed, std::int64_t count);

/// n points of the unit cube and standardized targets: sum_k sin(4 x_k + k) / (k + 1) plus 2 % noise. Seeds: 1 for points, 2
/// for the noise. All lengthscales are 0.2 sqrt(d), the noise is 1e-2 of the outputscale.
struct Problem {
  std::int64_t n, d;
  std::vector<double> points;   ///< row-major
  std::vector<double> targets;  ///< n
  std::vector<double> theta;    ///< d log lengthscales, log noise

  Problem(std::int64_t n, std::int64_t d);
};

/// The sum above without its noise and scale.
[[nodiscard]] double signal(const double* point, std::int64_t d);

/// A problem in a backend's memory, with `thetas` hyperparameter vectors: the first is the problem's, the others are moved by
/// up to 0.1 from it (seed 3).
struct Uploaded {
  std::int64_t n, d, thetas;
  backend::Buffer<double> points_buffer, targets_buffer, theta_buffer;

  Uploaded(const std::shared_ptr<backend::Backend>& backend, const Problem& problem, std::int64_t thetas = 1);
  [[nodiscard]] backend::ConstMatrix points() const { return points_buffer.matrix(n, d); }
  [[nodiscard]] backend::ConstMatrix targets() const { return targets_buffer.matrix(n, 1); }
  /// All vectors as rows, or one of them.
  [[nodiscard]] backend::ConstMatrix theta() const { return theta_buffer.matrix(thetas, d + 1); }
  [[nodiscard]] backend::ConstMatrix theta(std::int64_t row) const { return theta().block(row, 0, 1, d + 1); }
};

/// Buffers from host values, and back.
[[nodiscard]] backend::Buffer<double> upload(const std::shared_ptr<backend::Backend>& backend,
                                             const std::vector<double>& values);
template <class T>
[[nodiscard]] std::vector<T> download(const backend::Buffer<T>& buffer) {
  std::vector<T> out(static_cast<std::size_t>(buffer.size()));
  buffer.download(out);
  return out;
}
void poison(backend::Backend& backend, const backend::Matrix& out);

/// Largest |a - b| over the largest |b|; infinite where anything is not a number.
[[nodiscard]] double deviation(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace warpbo::bench
