/// What is asked of a fitted process: moments at many points, and taking in new observations.
#include "gp/joint_sample.hpp"
#include "gpu/case.hpp"
#include "gpu/fitted.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::bench {

namespace {

using backend::Buffer;

struct Moments {
  Buffer<double> mean, variance;
  Moments(const std::shared_ptr<backend::Backend>& engine, std::int64_t m) : mean(engine, m), variance(engine, m) {}
  [[nodiscard]] backend::Posterior call(const backend::Model& model, const backend::ConstMatrix& queries) const {
    backend::Posterior call;
    call.model = model;
    call.queries = queries;
    call.mean = mean.matrix(queries.rows, 1);
    call.variance = {variance.data(), queries.rows};
    return call;
  }
};

/// Moments at the first `count` queries by the CPU engine, from the very numbers of the model under test, against the result's.
double moments_deviation(Run& run, const gp::Regression& regression, const std::vector<double>& columns, std::int64_t m,
                         const Moments& result) {
  const std::int64_t count = std::min<std::int64_t>(m, 256);
  const Copied copied(run.reference, regression);
  const Buffer<double> queries = upload(run.reference, columns);
  const Moments expected(run.reference, count);
  run.reference->run(
      expected.call(copied.model(), queries.matrix(m, regression.dimensions()).block(0, 0, count, regression.dimensions())));
  const auto first = [&](const Buffer<double>& buffer) {
    std::vector<double> all = download(buffer);
    for (const double x : all)
      if (!std::isfinite(x)) all[0] = NAN;
    all.resize(static_cast<std::size_t>(count));
    return all;
  };
  return std::max(deviation(first(result.mean), download(expected.mean)),
                  deviation(first(result.variance), download(expected.variance)));
}

void posterior(Run& run, std::int64_t n, std::int64_t m) {
  const Problem problem(n, 10);
  const gp::Regression regression = fitted(run.backend, problem);
  const std::vector<double> columns = optimize::transposed(uniforms(4, m * problem.d), m, problem.d);
  const Buffer<double> queries = upload(run.backend, columns);
  const Moments moments(run.backend, m);
  poison(*run.backend, moments.mean.matrix(m, 1));
  poison(*run.backend, moments.variance.matrix(m, 1));
  const backend::Posterior call = moments.call(regression.model(), queries.matrix(m, problem.d));
  run.backend->run(call);
  run.check(moments_deviation(run, regression, columns, m, moments), 1e-9, "the CPU engine on the same model");
  run.timing(measure(*run.backend, run.limits, {[&](int) { run.backend->run(call); }}));
}

/// Moments at a few points after observations were appended, against those of a process that was factored at once.
double append_deviation(Run& run, const gp::Regression& appended, const Problem& problem, double work) {
  Problem same = problem;
  same.n = appended.observations();
  const gp::Regression whole = fitted(work <= run.reference_work ? run.reference : run.backend, same);
  const std::vector<double> queries = uniforms(4, 64 * problem.d);
  const gp::Moments a = gp::predict(appended, queries), b = gp::predict(whole, queries);
  return std::max(deviation(a.mean, b.mean), deviation(a.variance, b.variance));
}

void tell(Run& run, std::int64_t n, std::int64_t batch, double refactorization) {
  const std::int64_t room = batch == 1 ? 64 : batch;
  const Problem problem(n + room, 10);
  gp::Regression regression(run.backend, gp::default_settings(problem.d));
  regression.set_data(problem.points, problem.targets);  // takes the memory that the appends below will need
  const auto restart = [&] { refit(regression, problem, n); };
  const auto append = [&] {
    const auto old = static_cast<std::size_t>(regression.observations()), count = static_cast<std::size_t>(batch),
               d = static_cast<std::size_t>(problem.d);
    if (!regression.append(std::span(problem.points).subspan(old * d, count * d),
                           std::span(problem.targets).subspan(old, count)))
      throw std::runtime_error("an observation could not be appended");
  };
  restart();
  append();
  const bool affordable = refactorization <= run.reference_work;
  run.check(append_deviation(run, regression, problem, refactorization), 1e-8,
            affordable ? "the CPU engine's factorization" : "a factorization at once");
  Limits limits = run.limits;
  limits.queue = 1;
  run.timing(measure(*run.backend, limits,
                     {[&](int) { append(); },
                      [&](int) {
                        if (regression.observations() + batch > problem.n) restart();
                      }}));
}

}  // namespace

void add_model_cases(Cases& cases) {
  for (const std::int64_t n : {1000, 10000})
    for (const std::int64_t m : {10000, 100000})
      cases.push_back({"posterior/n=" + std::to_string(n) + "/m=" + std::to_string(m),
                       static_cast<double>(n * n) * static_cast<double>(m), n == 1000 && m == 10000,
                       [n, m](Run& run) { posterior(run, n, m); }});
  for (const std::int64_t n : {1000, 5000, 10000, 20000})
    for (const std::int64_t b : {1, 100, 1000}) {
      const double refactorization = static_cast<double>(n * n) * static_cast<double>(n);
      cases.push_back({"tell/n=" + std::to_string(n) + "/b=" + std::to_string(b), refactorization, n == 1000,
                       [n, b, refactorization](Run& run) { tell(run, n, b, refactorization); }});
    }
}

}  // namespace warpbo::bench
