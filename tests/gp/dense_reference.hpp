/// A Gaussian process by the textbook in long double: what the fast code is compared with.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace warpbo::gp::reference {

using Real = long double;
using Rows = std::vector<std::vector<double>>;

inline Real matern52(const std::vector<double>& a, const std::vector<double>& b, const std::vector<double>& theta) {
  Real r2 = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const Real delta = (static_cast<Real>(a[k]) - static_cast<Real>(b[k])) / std::exp(static_cast<Real>(theta[k]));
    r2 += delta * delta;
  }
  const Real s = std::sqrt(5 * r2);
  return (1 + s + s * s / 3) * std::exp(-s);
}

/// Solves A x = b for a positive definite A by elimination, several right-hand sides as columns of B.
inline std::vector<std::vector<Real>> solve(std::vector<std::vector<Real>> a, std::vector<std::vector<Real>> b) {
  const std::size_t n = a.size();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i + 1; j < n; ++j) {
      const Real factor = a[j][i] / a[i][i];
      for (std::size_t k = i; k < n; ++k) a[j][k] -= factor * a[i][k];
      for (std::size_t k = 0; k < b[j].size(); ++k) b[j][k] -= factor * b[i][k];
    }
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t k = 0; k < b[i].size(); ++k) {
      for (std::size_t j = i + 1; j < n; ++j) b[i][k] -= a[i][j] * b[j][k];
      b[i][k] /= a[i][i];
    }
  return b;
}

struct Posterior {
  Real mean_constant, outputscale;
  std::vector<Real> mean, variance;
};

/// theta: log lengthscales, then log relative noise; inverse-gamma(shape, rate) on the outputscale.
inline Posterior predict(const Rows& x, const std::vector<double>& y, const std::vector<double>& theta, Real shape, Real rate,
                         const Rows& queries) {
  const std::size_t n = x.size();
  std::vector<std::vector<Real>> c(n, std::vector<Real>(n)), right(n, std::vector<Real>(2 + queries.size()));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) c[i][j] = matern52(x[i], x[j], theta);
    c[i][i] += std::exp(static_cast<Real>(theta.back()));
    right[i][0] = y[i];
    right[i][1] = 1;
    for (std::size_t q = 0; q < queries.size(); ++q) right[i][2 + q] = matern52(x[i], queries[q], theta);
  }
  const auto solved = solve(c, right);
  Real one_y = 0, one_one = 0;
  for (std::size_t i = 0; i < n; ++i) {
    one_y += solved[i][0];
    one_one += solved[i][1];
  }
  Posterior out{one_y / one_one, 0, {}, {}};
  Real quadratic = 0;
  for (std::size_t i = 0; i < n; ++i)
    quadratic += (y[i] - out.mean_constant) * (solved[i][0] - out.mean_constant * solved[i][1]);
  out.outputscale = (quadratic + 2 * rate) / (static_cast<Real>(n) + 2 * shape + 2);
  for (std::size_t q = 0; q < queries.size(); ++q) {
    Real mean = out.mean_constant, reduction = 0;
    for (std::size_t i = 0; i < n; ++i) {
      mean += right[i][2 + q] * (solved[i][0] - out.mean_constant * solved[i][1]);
      reduction += right[i][2 + q] * solved[i][2 + q];
    }
    out.mean.push_back(mean);
    out.variance.push_back(out.outputscale * (1 - reduction));
  }
  return out;
}

}  // namespace warpbo::gp::reference
