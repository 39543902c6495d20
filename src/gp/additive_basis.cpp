#include "gp/additive_basis.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace warpbo::gp {

namespace {

constexpr double kConstantVariance = 100;  // of standardized targets: their mean need not be that of the function

}  // namespace

AdditiveBasis::AdditiveBasis(std::span<const AdditiveColumn> columns, AdditiveTerms terms) : terms_(terms) {
  for (const AdditiveColumn& column : columns) {
    categorical_.push_back(column.categorical ? 1 : 0);
    first_.push_back(size_);
    count_.push_back(column.categorical ? std::ssize(column.places) : terms.count());
    size_ += count_.back();
  }
}

void AdditiveBasis::evaluate(std::size_t column, double x, double* out, std::int64_t stride) const {
  if (categorical(column)) {
    for (std::int64_t level = 0; level < count(column); ++level) out[level * stride] = static_cast<double>(level) == x ? 1 : 0;
    return;
  }
  // Legendre, with unit variance on [0, 1]: (k + 1) P_(k+1)(t) = (2 k + 1) t P_k(t) - k P_(k-1)(t)
  const double t = 2 * x - 1;
  double older = 1, newer = t;
  for (std::int64_t k = 1; k <= terms_.polynomials; ++k, out += stride) {
    const auto degree = static_cast<double>(k);
    *out = std::sqrt(2 * degree + 1) * newer;
    const double following = ((2 * degree + 1) * t * newer - degree * older) / (degree + 1);
    older = newer;
    newer = following;
  }
  // cos((j + 1) a) = 2 cos(a) cos(j a) - cos((j - 1) a)
  const double step = 2 * std::cos(std::numbers::pi * x);
  double before = std::numbers::sqrt2, now = before * step / 2;
  for (std::int64_t j = 0; j < terms_.waves; ++j) {
    out[j * stride] = now;
    const double next = step * now - before;
    before = now;
    now = next;
  }
}

std::vector<double> AdditiveBasis::matrix(std::span<const double> points) const {
  const std::size_t d = columns(), n = d == 0 ? 0 : points.size() / d;
  std::vector<double> out(n * static_cast<std::size_t>(size_));
  std::fill_n(out.begin(), n, 1.0);
  for (std::size_t c = 0; c < d; ++c)
    for (std::size_t i = 0; i < n; ++i)
      evaluate(c, points[i * d + c], out.data() + static_cast<std::size_t>(first_[c]) * n + i, static_cast<std::int64_t>(n));
  return out;
}

std::vector<double> AdditiveBasis::variances(const AdditivePrior& prior) const {
  std::vector<double> out{kConstantVariance};
  for (std::size_t c = 0; c < columns(); ++c)
    for (std::int64_t j = 0; j < count(c); ++j)
      out.push_back(prior.amplitudes[c] * (categorical(c) ? 1 : prior.spectrum[static_cast<std::size_t>(j)]));
  return out;
}

}  // namespace warpbo::gp
