#include "gpu/data.hpp"

#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::bench {

double uniform(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t x = (seed << 32) + index + 0x9e3779b97f4a7c15ULL;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
  return static_cast<double>((x ^ x >> 31) >> 11) * 0x1p-53;
}

std::vector<double> uniforms(std::uint64_t seed, std::int64_t count) {
  std::vector<double> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = uniform(seed, i);
  return out;
}

double signal(const double* point, std::int64_t d) {
  double sum = 0;
  for (std::int64_t k = 0; k < d; ++k) sum += std::sin(4 * point[k] + static_cast<double>(k)) / static_cast<double>(k + 1);
  return sum;
}

Problem::Problem(std::int64_t count, std::int64_t dimensions)
    : n(count),
      d(dimensions),
      points(uniforms(1, n * d)),
      targets(uniforms(2, n)),
      theta(static_cast<std::size_t>(d), std::log(0.2 * std::sqrt(static_cast<double>(d)))) {
  double mean = 0, square = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    double& y = targets[static_cast<std::size_t>(i)];
    y = signal(points.data() + i * d, d) + 0.02 * std::sqrt(12.0) * (y - 0.5);
    mean += y / static_cast<double>(n);
  }
  for (const double y : targets) square += (y - mean) * (y - mean) / static_cast<double>(n);
  for (double& y : targets) y = (y - mean) / std::sqrt(square);
  theta.push_back(std::log(1e-2));
}

Uploaded::Uploaded(const std::shared_ptr<backend::Backend>& backend, const Problem& problem, std::int64_t count)
    : n(problem.n),
      d(problem.d),
      thetas(count),
      points_buffer(upload(backend, optimize::transposed(problem.points, n, d))),
      targets_buffer(upload(backend, problem.targets)) {
  std::vector<double> rows;
  for (std::int64_t p = 0; p < thetas; ++p)
    for (std::int64_t k = 0; k <= d; ++k)
      rows.push_back(problem.theta[static_cast<std::size_t>(k)] +
                     (p == 0 ? 0.0 : 0.2 * (uniform(3, static_cast<std::uint64_t>(p * (d + 1) + k)) - 0.5)));
  theta_buffer = upload(backend, optimize::transposed(rows, thetas, d + 1));
}

backend::Buffer<double> upload(const std::shared_ptr<backend::Backend>& backend, const std::vector<double>& values) {
  backend::Buffer<double> buffer(backend, static_cast<std::int64_t>(values.size()));
  buffer.upload(values);
  return buffer;
}

void poison(backend::Backend& backend, const backend::Matrix& out) {
  backend.fill(out, std::numeric_limits<double>::quiet_NaN());
}

double deviation(const std::vector<double>& a, const std::vector<double>& b) {
  double difference = a.size() == b.size() ? 0 : INFINITY, largest = std::numeric_limits<double>::min();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double off = std::fabs(a[i] - b[i]);
    if (!std::isfinite(off)) return INFINITY;
    difference = std::max(difference, off);
    largest = std::max(largest, std::fabs(b[i]));
  }
  return difference / largest;
}

}  // namespace warpbo::bench
