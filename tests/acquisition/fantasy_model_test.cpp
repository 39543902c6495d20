#include "acquisition/fantasy_model.hpp"

#include "acquisition/candidate_pool.hpp"
#include "acquisition/sample_model.hpp"
#include "gp/joint_sample.hpp"
#include "optimize/transpose.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace warpbo::acquisition {
namespace {

/// Means (m x S, column-major) and variances of a model at row-major queries.
struct Moments {
  std::vector<double> mean, variance;
};

Moments moments(backend::Backend& backend, const backend::Model& model, const std::vector<double>& queries) {
  const std::int64_t d = model.points.columns, m = static_cast<std::int64_t>(queries.size()) / d, s = model.weights.columns;
  backend::Arena arena(std::shared_ptr<backend::Backend>(&backend, [](backend::Backend*) {}));
  const auto columns = optimize::transposed(queries, m, d);
  backend::Posterior posterior;
  const backend::Matrix staged = arena.matrix(m, d);
  backend.upload(staged.data, columns.data(), columns.size() * sizeof(double));
  posterior.model = model;
  posterior.queries = staged;
  posterior.mean = arena.matrix(m, s);
  posterior.variance = arena.vector<double>(m);
  backend.run(posterior);
  Moments out{std::vector<double>(static_cast<std::size_t>(m * s)), std::vector<double>(static_cast<std::size_t>(m))};
  backend.download(out.mean.data(), posterior.mean.data, out.mean.size() * sizeof(double));
  backend.download(out.variance.data(), posterior.variance.data, out.variance.size() * sizeof(double));
  return out;
}

const std::vector<double> kPending = {0.1, 0.9, 0.45, 0.5, 0.8, 0.15};
const std::vector<double> kQueries = {0.12, 0.88, 0.5, 0.5, 0.3, 0.3, 0.99, 0.01};

TEST(FantasyModel, WithoutPointsItIsTheRegression) {
  const gp::Regression regression = sample_model(20, 2, 1e-4);
  const FantasyModel fantasies(regression, 3, 16, -0.5, 1);
  EXPECT_EQ(fantasies.samples(), 1);
  const Moments got = moments(*regression.backend(), fantasies.model(), kQueries);
  const gp::Moments expected = gp::predict(regression, kQueries);
  EXPECT_EQ(got.mean, expected.mean);
}

// The law of total expectation and variance: averaged over the sampled values at Z, the conditional posteriors are the
// posterior itself.
TEST(FantasyModel, ConditionalPosteriorsAverageToThePosterior) {
  const gp::Regression regression = sample_model(20, 2, 1e-4);
  FantasyModel fantasies(regression, 3, 4096, INFINITY, 1);
  ASSERT_TRUE(fantasies.add(kPending));
  const Moments got = moments(*regression.backend(), fantasies.model(), kQueries);
  const gp::Moments expected = gp::predict(regression, kQueries);
  for (std::size_t q = 0; q < 4; ++q) {
    double mean = 0, square = 0;
    for (std::size_t s = 0; s < 4096; ++s) mean += got.mean[q + s * 4] / 4096;
    for (std::size_t s = 0; s < 4096; ++s) square += std::pow(got.mean[q + s * 4] - mean, 2) / 4096;
    const double sd = std::sqrt(expected.variance[q]);
    EXPECT_NEAR(mean, expected.mean[q], 0.01 * sd);
    EXPECT_NEAR(square + got.variance[q], expected.variance[q], 0.02 * expected.variance[q]);
    EXPECT_LT(got.variance[q], expected.variance[q]);
  }
}

// Sample s passes through its own values at Z, and its incumbent is the smallest of them and the known one.
TEST(FantasyModel, SamplesPassThroughTheirValuesAndSetTheirIncumbents) {
  const gp::Regression regression = sample_model(20, 2, 1e-4);
  FantasyModel fantasies(regression, 3, 32, -0.6, 1);
  ASSERT_TRUE(fantasies.add(kPending));
  const Moments at_points = moments(*regression.backend(), fantasies.model(), kPending);
  std::vector<double> incumbents(32);
  regression.backend()->download(incumbents.data(), fantasies.incumbents().data, incumbents.size() * sizeof(double));
  for (std::size_t s = 0; s < 32; ++s) {
    double best = -0.6;
    for (std::size_t z = 0; z < 3; ++z) best = std::min(best, at_points.mean[z + s * 3]);
    EXPECT_NEAR(incumbents[s], best, 1e-6);
  }
  for (const double v : at_points.variance) EXPECT_LT(v, 1e-7);
}

TEST(FantasyModel, OneByOneEqualsAllAtOnce) {
  const gp::Regression regression = sample_model(20, 2, 1e-4);
  FantasyModel together(regression, 3, 16, -0.5, 1), single(regression, 3, 16, -0.5, 1);
  ASSERT_TRUE(together.add(kPending));
  for (std::size_t z = 0; z < 3; ++z) ASSERT_TRUE(single.add(std::span(kPending).subspan(2 * z, 2)));
  const Moments a = moments(*regression.backend(), together.model(), kQueries);
  const Moments b = moments(*regression.backend(), single.model(), kQueries);
  for (std::size_t i = 0; i < a.mean.size(); ++i) EXPECT_NEAR(a.mean[i], b.mean[i], 1e-8);
  for (std::size_t i = 0; i < a.variance.size(); ++i) EXPECT_NEAR(a.variance[i], b.variance[i], 1e-10);
}

// N3: a pending point on top of an observed one, and the same pending point twice.
TEST(FantasyModel, N3_DuplicatesAreSurvived) {
  const gp::Regression regression = sample_model(20, 2, 1e-7);
  std::vector<double> observed(2);
  regression.backend()->download(observed.data(), regression.points().data, sizeof(double));
  regression.backend()->download(observed.data() + 1, regression.points().data + regression.points().leading, sizeof(double));
  FantasyModel fantasies(regression, 3, 16, -0.5, 1);
  EXPECT_TRUE(fantasies.add(observed));
  EXPECT_TRUE(fantasies.add(std::vector<double>{0.5, 0.5, 0.5, 0.5}));
  for (const double m : moments(*regression.backend(), fantasies.model(), kQueries).mean) EXPECT_TRUE(std::isfinite(m));
  EXPECT_FALSE(fantasies.add(observed)) << "no room was left for a fourth point";
}

TEST(CandidatePool, ExtendingEqualsRecomputing) {
  const gp::Regression regression = sample_model(30, 2, 1e-4);
  FantasyModel fantasies(regression, 4, 16, -0.5, 1);
  CandidatePool extended(regression, fantasies, kQueries, 4);
  for (const double z : {0.2, 0.4, 0.7}) {
    ASSERT_TRUE(fantasies.add(std::vector<double>{z, 1 - z}));
    extended.extend(fantasies);
    const CandidatePool fresh(regression, fantasies, kQueries, 0);
    const backend::AcquisitionSpec spec{backend::AcquisitionKind::log_ei, fantasies.incumbents(), 0};
    const std::vector<double> a = extended.score(spec), b = fresh.score(spec);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-6 * std::fabs(b[i]));
  }
}

}  // namespace
}  // namespace warpbo::acquisition
