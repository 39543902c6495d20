/// One evaluation of the log marginal likelihood with its gradient, for one problem and for many small ones.
#include "gpu/case.hpp"
#include "gpu/data.hpp"

#include <cmath>

namespace warpbo::bench {

namespace {

using backend::Buffer;

/// Value and gradient of all of the data's hyperparameter vectors, or of one.
struct Evaluation {
  const Uploaded& data;
  Buffer<double> value, gradient;
  Buffer<std::int32_t> info;

  Evaluation(const std::shared_ptr<backend::Backend>& engine, const Uploaded& from)
      : data(from), value(engine, from.thetas), gradient(engine, from.thetas * (from.d + 1)), info(engine, from.thetas) {
    poison(*engine, value.matrix(from.thetas, 1));
    poison(*engine, gradient.matrix(from.thetas, from.d + 1));
  }
  [[nodiscard]] backend::Likelihood call(const backend::ConstMatrix& theta) const {
    backend::Likelihood call;
    call.points = data.points();
    call.targets = data.targets();
    call.theta = theta;
    call.value = {value.data(), theta.rows};
    call.gradient = gradient.matrix(theta.rows, data.d + 1);
    call.info = {info.data(), theta.rows};
    return call;
  }
};

/// Values and gradients of all vectors on `engine`; not a number where any was not factored.
std::vector<double> evaluated(const std::shared_ptr<backend::Backend>& engine, const Problem& problem, std::int64_t thetas) {
  const Uploaded data(engine, problem, thetas);
  const Evaluation evaluation(engine, data);
  engine->run(evaluation.call(data.theta()));
  std::vector<double> out = download(evaluation.value);
  const std::vector<double> gradient = download(evaluation.gradient);
  out.insert(out.end(), gradient.begin(), gradient.end());
  for (const std::int32_t code : download(evaluation.info))
    if (code != 0) out[0] = NAN;
  return out;
}

/// Where the CPU would take too long: the slope along a direction against central differences of the value.
double slope_deviation(Run& run, const Problem& problem) {
  constexpr double kStep = 1e-4;
  const auto moved = [&](double by) {
    Problem at = problem;
    for (std::size_t k = 0; k < at.theta.size(); ++k) at.theta[k] += by * (uniform(5, k) - 0.5);
    return evaluated(run.backend, at, 1);
  };
  const std::vector<double> here = moved(0), above = moved(kStep), below = moved(-kStep);
  double slope = 0, size = 0;
  for (std::size_t k = 0; k < problem.theta.size(); ++k) {
    slope += here[1 + k] * (uniform(5, k) - 0.5);
    size += std::fabs(here[1 + k] * (uniform(5, k) - 0.5));
  }
  return std::isfinite(slope) ? std::fabs((above[0] - below[0]) / (2 * kStep) - slope) / size : INFINITY;
}

void likelihood(Run& run, std::int64_t n, std::int64_t d, double work) {
  const Problem problem(n, d);
  if (work <= run.reference_work)
    run.check(deviation(evaluated(run.backend, problem, 1), evaluated(run.reference, problem, 1)), 1e-9, "the CPU engine");
  else
    run.check(slope_deviation(run, problem), 1e-4, "differences of the value");
  constexpr std::int64_t kThetas = 16;
  const Uploaded data(run.backend, problem, kThetas);
  const Evaluation evaluation(run.backend, data);
  run.timing(measure(*run.backend, run.limits, {[&](int i) { run.backend->run(evaluation.call(data.theta(i % kThetas))); }}));
}

void likelihood_batch(Run& run, std::int64_t n, std::int64_t batch) {
  const Problem problem(n, 10);
  run.check(deviation(evaluated(run.backend, problem, batch), evaluated(run.reference, problem, batch)), 1e-9,
            "the CPU engine");
  const Uploaded data(run.backend, problem, batch);
  const Evaluation evaluation(run.backend, data);
  run.timing(measure(*run.backend, run.limits, {[&](int) { run.backend->run(evaluation.call(data.theta())); }}));
}

}  // namespace

void add_likelihood_cases(Cases& cases) {
  const auto work = [](std::int64_t n, std::int64_t d) {
    return static_cast<double>(n * n) * static_cast<double>(n + 4 * d + 60);
  };
  const auto one = [&](std::int64_t n, std::int64_t d) {
    cases.push_back({"likelihood/n=" + std::to_string(n) + "/d=" + std::to_string(d), work(n, d), n <= 1000 && d == 10,
                     [n, d, flops = work(n, d)](Run& run) { likelihood(run, n, d, flops); }});
  };
  for (const std::int64_t n : {64, 250, 500, 1000, 2000, 5000, 10000, 20000}) one(n, 10);
  for (const std::int64_t n : {1000, 10000}) one(n, 50);
  for (const std::int64_t batch : {100, 10000})
    cases.push_back({"likelihood_batch/n=64/batch=" + std::to_string(batch), 3 * work(64, 10) * static_cast<double>(batch),
                     batch == 100, [batch](Run& run) { likelihood_batch(run, 64, batch); }});
}

}  // namespace warpbo::bench
