// Bayesian linear regression against its textbook form, with fewer and with more observations than features.

#include "gp/additive_posterior.hpp"

#include "gp/dense_reference.hpp"
#include "math/philox.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace warpbo::gp {
namespace {

using reference::Real;
using Dense = std::vector<std::vector<Real>>;

struct Case {
  std::int64_t n, size;
  std::vector<double> features, targets, variances;  // features column-major
  double noise = 0.07;
};

Case make(std::int64_t n, std::int64_t size) {
  Case out{n, size, {}, {}, {}};
  for (std::int64_t j = 0; j < size; ++j) {
    for (std::int64_t i = 0; i < n; ++i)
      out.features.push_back(math::philox_normal(3, 0, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(j)));
    out.variances.push_back(0.2 + 0.1 * static_cast<double>(j % 4));
  }
  for (std::int64_t i = 0; i < n; ++i) out.targets.push_back(math::philox_normal(3, 1, static_cast<std::uint64_t>(i), 0));
  return out;
}

AdditivePosterior posterior_of(const Case& c) { return {backend::make_cpu_backend(), c.features, c.targets}; }

Real feature(const Case& c, std::size_t i, std::size_t j) { return c.features[j * static_cast<std::size_t>(c.n) + i]; }

/// Covariance of the targets, without the rows in `skip`.
Dense covariance(const Case& c, const std::vector<std::size_t>& rows) {
  Dense out(rows.size(), std::vector<Real>(rows.size(), 0));
  for (std::size_t a = 0; a < rows.size(); ++a)
    for (std::size_t b = 0; b < rows.size(); ++b) {
      for (std::size_t j = 0; j < static_cast<std::size_t>(c.size); ++j)
        out[a][b] += static_cast<Real>(c.variances[j]) * feature(c, rows[a], j) * feature(c, rows[b], j);
      if (a == b) out[a][b] += static_cast<Real>(c.noise);
    }
  return out;
}

std::vector<std::size_t> all_rows(const Case& c) {
  std::vector<std::size_t> out(static_cast<std::size_t>(c.n));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

Dense column(const std::vector<double>& values, const std::vector<std::size_t>& rows) {
  Dense out;
  for (const std::size_t i : rows) out.push_back({static_cast<Real>(values[i])});
  return out;
}

/// Of the weights: prior covariance times features' times the solution.
std::vector<Real> weights_of(const Case& c, const std::vector<std::size_t>& rows) {
  const Dense alpha = reference::solve(covariance(c, rows), column(c.targets, rows));
  std::vector<Real> out(static_cast<std::size_t>(c.size), 0);
  for (std::size_t j = 0; j < out.size(); ++j)
    for (std::size_t a = 0; a < rows.size(); ++a)
      out[j] += static_cast<Real>(c.variances[j]) * feature(c, rows[a], j) * alpha[a][0];
  return out;
}

Real log_determinant(Dense a) {
  Real out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    out += std::log(a[i][i]);
    for (std::size_t j = i + 1; j < a.size(); ++j) {
      const Real factor = a[j][i] / a[i][i];
      for (std::size_t k = i; k < a.size(); ++k) a[j][k] -= factor * a[i][k];
    }
  }
  return out;
}

class AdditivePosteriorForms : public testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {
 protected:
  Case c = make(GetParam().first, GetParam().second);
};

TEST_P(AdditivePosteriorForms, EvidenceMeanAndVarianceAreTheTextbooks) {
  const auto moments = posterior_of(c).moments(c.variances, c.noise);
  ASSERT_TRUE(moments);
  const auto rows = all_rows(c);
  const Dense k = covariance(c, rows), alpha = reference::solve(k, column(c.targets, rows));
  Real quadratic = 0, residual = 0;
  for (const std::size_t i : rows) quadratic += static_cast<Real>(c.targets[i]) * alpha[i][0];
  EXPECT_NEAR(moments->log_evidence, static_cast<double>(-(quadratic + log_determinant(k)) / 2), 1e-8);
  const std::vector<Real> weights = weights_of(c, rows);
  double freedom = 0;
  for (std::size_t j = 0; j < weights.size(); ++j) {
    const double u = static_cast<double>(weights[j]) / std::sqrt(c.variances[j]);
    EXPECT_NEAR(moments->mean[j], u, 1e-9);
    Dense features;
    for (const std::size_t i : rows) features.push_back({feature(c, i, j)});
    const Dense solved = reference::solve(k, features);
    Real reduction = 0;
    for (const std::size_t i : rows) reduction += static_cast<Real>(c.variances[j]) * features[i][0] * solved[i][0];
    EXPECT_NEAR(moments->second[j], u * u + 1 - static_cast<double>(reduction), 1e-9);
    freedom += static_cast<double>(reduction);
  }
  EXPECT_NEAR(moments->freedom, freedom, 1e-9);
  for (const std::size_t i : rows) {
    Real fitted = 0;
    for (std::size_t j = 0; j < weights.size(); ++j) fitted += feature(c, i, j) * weights[j];
    residual += (c.targets[i] - fitted) * (c.targets[i] - fitted);
  }
  EXPECT_NEAR(moments->residual, static_cast<double>(residual), 1e-9);
}

TEST_P(AdditivePosteriorForms, LeavingOneOutIsFittingWithoutIt) {
  const std::vector<double> got = posterior_of(c).leave_one_out(c.variances, c.noise);
  ASSERT_EQ(std::ssize(got), c.n);
  for (std::size_t out = 0; out < got.size(); ++out) {
    auto rows = all_rows(c);
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(out));
    const std::vector<Real> weights = weights_of(c, rows);
    Real predicted = 0;
    for (std::size_t j = 0; j < weights.size(); ++j) predicted += feature(c, out, j) * weights[j];
    EXPECT_NEAR(got[out], static_cast<double>(predicted), 1e-8) << out;
  }
}

TEST_P(AdditivePosteriorForms, DrawsHaveThePosteriorsMoments) {
  c.noise = 4;  // what the noise adds shows only beside the weights' own
  const AdditivePosterior posterior = posterior_of(c);
  const auto moments = posterior.moments(c.variances, c.noise);
  const std::int64_t count = 4000;  // more than are made at a time
  const std::vector<double> draws =
      posterior.draws(c.variances, c.noise, std::vector<double>(static_cast<std::size_t>(count), 0.5), 7);
  for (std::size_t j = 0; j < static_cast<std::size_t>(c.size); ++j) {
    double mean = 0, square = 0;
    for (std::int64_t s = 0; s < count; ++s) {
      const double u = draws[static_cast<std::size_t>(s * c.size) + j] / std::sqrt(c.variances[j]) - moments->mean[j];
      mean += u / static_cast<double>(count);
      square += u * u / static_cast<double>(count);
    }
    const double variance = 0.25 * (moments->second[j] - moments->mean[j] * moments->mean[j]);
    EXPECT_NEAR(mean, 0, 5 * std::sqrt(variance / static_cast<double>(count))) << j;
    EXPECT_NEAR(square / variance, 1, 5 * std::sqrt(2.0 / static_cast<double>(count))) << j;
  }
  // How weights vary together: with as good as no noise every draw fits the data.
  const std::vector<double> exact = posterior.draws(c.variances, 1e-9, std::vector<double>{1.0, 1.0}, 8);
  if (c.n > c.size) return;
  for (std::size_t i = 0; i < static_cast<std::size_t>(c.n); ++i)
    for (std::size_t s = 0; s < 2; ++s) {
      double value = 0;
      for (std::size_t j = 0; j < static_cast<std::size_t>(c.size); ++j)
        value += static_cast<double>(feature(c, i, j)) * exact[s * static_cast<std::size_t>(c.size) + j];
      EXPECT_NEAR(value, c.targets[i], 1e-3);
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, AdditivePosteriorForms,
                         testing::Values(std::pair{7, 19}, std::pair{19, 7}, std::pair{12, 12}, std::pair{1, 5}));

TEST(AdditivePosterior, ATargetThatIsNoNumberGivesNothing) {
  Case c = make(6, 4);
  c.targets[2] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(posterior_of(c).moments(c.variances, c.noise));
}

}  // namespace
}  // namespace warpbo::gp
