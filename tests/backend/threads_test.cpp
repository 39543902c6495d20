#include "backend/posterior_fixture.hpp"

#include <cmath>
#include <thread>

namespace warpbo::backend::testing {
namespace {

class ThreadsTest : public Conformance {
 protected:
  /// Every parallel operation once, on a problem large enough to be split; all results in one list.
  static std::vector<double> run_all(const std::shared_ptr<Backend>& engine, std::int64_t n, std::uint64_t seed) {
    constexpr std::int64_t d = 4, m = 300, batch = 3;
    const Problem problem(n, d, 1, math::KernelFamily::matern52, seed);
    HostMatrix theta(batch, d + 1);
    for (std::int64_t p = 0; p < batch; ++p)
      for (std::int64_t k = 0; k <= d; ++k)
        theta(p, k) = problem.theta[static_cast<std::size_t>(k)] + 0.1 * static_cast<double>(p);
    const Guarded points(engine, problem.points), targets(engine, problem.targets), parameters(engine, theta);
    const Buffer<std::uint8_t> categorical = make_buffer(engine, problem.categorical);
    const KernelSpec kernel{problem.family, categorical.view()};
    const Buffer<double> value(engine, batch), gradient(engine, batch * (d + 1));
    const Buffer<std::int32_t> info(engine, batch);
    Likelihood likelihood;
    likelihood.kernel = kernel;
    likelihood.points = points.view();
    likelihood.targets = targets.view();
    likelihood.theta = parameters.view();
    likelihood.value = value.view();
    likelihood.gradient = gradient.matrix(batch, d + 1);
    likelihood.info = info.view();
    engine->run(likelihood);
    likelihood.theta = parameters.view().block(0, 0, 1, d + 1);
    const Buffer<double> single(engine, 1), single_gradient(engine, d + 1);
    likelihood.value = single.view();
    likelihood.gradient = single_gradient.matrix(1, d + 1);
    engine->run(likelihood);

    const Buffer<double> factor(engine, n * n), inverse(engine, n * n), mean(engine, m), variance(engine, m),
        acquired(engine, m), slopes(engine, m * d);
    engine->fill(factor.matrix(n, n), 0);
    engine->fill(inverse.matrix(n, n), 0);
    const Buffer<double> incumbents = make_buffer(engine, std::vector<double>{0.1});
    engine->run(Gram{kernel, points.view(), parameters.view(), {}, 0, factor.matrix(n, n)});
    engine->run(Cholesky{factor.matrix(n, n), 0, info.view()});
    engine->run(TriangularInverse{factor.matrix(n, n), 0, inverse.matrix(n, n)});
    const Guarded queries(engine, random_queries(problem, m, 5));
    Posterior posterior;
    posterior.model = {kernel, points.view(), parameters.view(), inverse.matrix(n, n), targets.view(), 0.3, 1.2};
    posterior.queries = queries.view();
    posterior.mean = mean.matrix(m, 1);
    posterior.variance = variance.view();
    engine->run(posterior);
    Acquisition acquisition;
    acquisition.model = posterior.model;
    acquisition.acquisition.incumbents = incumbents.view();
    acquisition.queries = queries.view();
    acquisition.value = acquired.view();
    acquisition.gradient = slopes.matrix(m, d);
    engine->run(acquisition);

    std::vector<double> all;
    for (const Buffer<double>* part :
         {&value, &gradient, &single, &single_gradient, &factor, &inverse, &mean, &variance, &acquired, &slopes}) {
      const std::vector<double> numbers = fetch(*part);
      all.insert(all.end(), numbers.begin(), numbers.end());
    }
    return all;
  }
};

TEST_P(ThreadsTest, ResultsDoNotDependOnTheNumberOfThreads) {
  for (const std::int64_t n : {70, 300, 800}) {
    const std::vector<double> one = run_all(GetParam().make(1), n, 3);
    for (const double x : one) ASSERT_TRUE(std::isfinite(x));
    EXPECT_EQ(one, run_all(GetParam().make(0), n, 3)) << "n = " << n;
    EXPECT_EQ(one, run_all(GetParam().make(3), n, 3)) << "n = " << n;
  }
}

TEST_P(ThreadsTest, ManyEnginesAtOnceDisturbNoOther) {
  constexpr int kThreads = 6, kRounds = 12;
  std::vector<std::vector<double>> expected;
  for (int i = 0; i < kThreads; ++i)
    expected.push_back(run_all(GetParam().make(1), 60 + 30 * i, static_cast<std::uint64_t>(i)));
  std::vector<int> wrong(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      const auto at = static_cast<std::size_t>(i);
      const std::shared_ptr<Backend> engine = GetParam().make(i % 2);
      for (int round = 0; round < kRounds; ++round)
        if (run_all(engine, 60 + 30 * i, static_cast<std::uint64_t>(i)) != expected[at]) ++wrong[at];
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(kThreads));
}

INSTANTIATE_TEST_SUITE_P(Backends, ThreadsTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
