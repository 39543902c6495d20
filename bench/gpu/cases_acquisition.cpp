/// Maximizing the acquisition from many starts, and what surrounds it: point generators, scores, selections.
#include "gpu/case.hpp"
#include "gpu/fitted.hpp"
#include "optimize/multi_start.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace warpbo::bench {

namespace {

using backend::Buffer;

/// LogEI of a fitted process, maximized from given starts.
class Climb {
 public:
  Climb(const gp::Regression& regression, const backend::ConstVector& incumbent) : regression_(regression) {
    acquisition_.incumbents = incumbent;
  }
  /// Values at row-major points.
  [[nodiscard]] std::vector<double> values(const backend::Model& model, const std::shared_ptr<backend::Backend>& engine,
                                           const backend::ConstVector& incumbent, const std::vector<double>& rows) const {
    const std::int64_t d = regression_.dimensions(), m = static_cast<std::int64_t>(rows.size()) / d;
    const Buffer<double> queries = upload(engine, optimize::transposed(rows, m, d)), value(engine, m);
    backend::AcquisitionSpec acquisition = acquisition_;
    acquisition.incumbents = incumbent;
    poison(*engine, value.matrix(m, 1));
    engine->run(backend::Acquisition{model, acquisition, queries.matrix(m, d), nullptr, value.view(), {}});
    return download(value);
  }
  [[nodiscard]] optimize::MultiStartResult run(const std::vector<double>& starts, int rounds) const {
    const std::vector<double> lower(starts.size(), 0.0), upper(starts.size(), 1.0);
    optimize::MultiStartOptions options;
    options.maximize = true;
    options.max_rounds = rounds;
    options.gradient_tolerance = 1e-5;
    options.value_tolerance = 1e-9;
    options.trials = optimize::affordable_trials(regression_.backend()->traits().free_rows,
                                                 static_cast<std::int64_t>(starts.size()) / regression_.dimensions());
    const auto objective = [&](backend::ConstMatrix queries, const std::int32_t* active, backend::Vector value,
                               backend::Matrix gradient) {
      regression_.backend()->run(backend::Acquisition{regression_.model(), acquisition_, queries, active, value, gradient});
    };
    return optimize::multi_start(regression_.arena(), regression_.dimensions(), starts, lower, upper, objective, options);
  }

 private:
  const gp::Regression& regression_;
  backend::AcquisitionSpec acquisition_;
};

/// The best `count` of max(512, 2 count) uniform points (seed 6), row-major: what both sides of a comparison begin with.
std::vector<double> best_starts(const Climb& climb, const gp::Regression& regression, const backend::ConstVector& incumbent,
                                std::int64_t count) {
  const std::int64_t d = regression.dimensions(), raw = std::max<std::int64_t>(512, 2 * count);
  const std::vector<double> rows = uniforms(6, raw * d);
  const std::vector<double> values = climb.values(regression.model(), regression.backend(), incumbent, rows);
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  std::vector<double> starts;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
    starts.insert(starts.end(), rows.begin() + static_cast<std::ptrdiff_t>(order[i]) * d,
                  rows.begin() + static_cast<std::ptrdiff_t>(order[i] + 1) * d);
  return starts;
}

double best_of(const std::vector<double>& values) { return *std::max_element(values.begin(), values.end()); }

/// The values that the search reports for its first 32 starts against the CPU engine's at the points it reports.
double climb_deviation(Run& run, const Climb& climb, const gp::Regression& regression, double incumbent,
                       const optimize::MultiStartResult& found) {
  const auto count = std::min<std::size_t>(found.values.size(), 32), d = static_cast<std::size_t>(regression.dimensions());
  const Copied copied(run.reference, regression);
  const Buffer<double> best = upload(run.reference, {incumbent});
  const std::vector<double> rows(found.points.begin(), found.points.begin() + static_cast<std::ptrdiff_t>(count * d));
  const std::vector<double> values(found.values.begin(), found.values.begin() + static_cast<std::ptrdiff_t>(count));
  return deviation(values, climb.values(copied.model(), run.reference, best.view(), rows));
}

void maximize(Run& run, std::int64_t n, std::int64_t starts_count) {
  const Problem problem(n, 10);
  const gp::Regression regression = fitted(run.backend, problem);
  const double incumbent = *std::min_element(problem.targets.begin(), problem.targets.end());
  const Buffer<double> incumbents = upload(run.backend, {incumbent});
  const Climb climb(regression, incumbents.view());
  const std::vector<double> starts = best_starts(climb, regression, incumbents.view(), starts_count);

  const optimize::MultiStartResult longest = climb.run(starts, 300);
  run.check(climb_deviation(run, climb, regression, incumbent, longest), 1e-8, "the CPU engine at the points found");
  const double best = best_of(longest.values), wanted = best + std::log(0.999);
  int rounds = 300;
  for (const int tried : {4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 100, 150, 200})
    if (best_of(climb.run(starts, tried).values) >= wanted) {
      rounds = tried;
      break;
    }
  Limits limits = run.limits;
  limits.queue = 1;
  optimize::MultiStartResult found;
  run.timing(measure(*run.backend, limits, {[&](int) { found = climb.run(starts, rounds); }}));
  run.record.set("rounds", found.rounds);
  run.record.set("value", best_of(found.values));
  run.record.set("best", best);
}

void sobol(Run& run, std::int64_t m, std::int64_t d) {
  const Buffer<double> out(run.backend, m * d), expected(run.reference, m * d);
  poison(*run.backend, out.matrix(m, d));
  run.backend->run(backend::FillSobol{out.matrix(m, d), 9, 0});
  run.reference->run(backend::FillSobol{expected.matrix(m, d), 9, 0});
  run.check(deviation(download(out), download(expected)), 0, "the CPU engine, bit for bit");
  run.timing(measure(*run.backend, run.limits, {[&](int i) { run.backend->run(backend::FillSobol{out.matrix(m, d), 9, i}); }}));
}

void normals(Run& run, std::int64_t m, std::int64_t d) {
  const Buffer<double> out(run.backend, m * d), expected(run.reference, m * d);
  poison(*run.backend, out.matrix(m, d));
  run.backend->run(backend::FillRandom{out.matrix(m, d), 9, 1, true});
  run.reference->run(backend::FillRandom{expected.matrix(m, d), 9, 1, true});
  run.check(deviation(download(out), download(expected)), 1e-14, "the CPU engine");
  run.timing(measure(*run.backend, run.limits, {[&](int i) {
    run.backend->run(backend::FillRandom{out.matrix(m, d), 9, static_cast<std::uint64_t>(i), true});
  }}));
}

void select(Run& run, std::int64_t m, std::int64_t count) {
  const std::vector<double> host = uniforms(8, m);
  const Buffer<double> values = upload(run.backend, host), same = upload(run.reference, host);
  const Buffer<std::int32_t> out(run.backend, count), expected(run.reference, count);
  run.backend->run(backend::SelectTop{values.view(), out.view()});
  run.reference->run(backend::SelectTop{same.view(), expected.view()});
  run.check(download(out) == download(expected) ? 0 : INFINITY, 0, "the CPU engine, index by index");
  run.timing(measure(*run.backend, run.limits, {[&](int) {
    run.backend->run(backend::SelectTop{values.view(), out.view()});
  }}));
}

void score(Run& run, std::int64_t m, std::int64_t samples) {
  const auto result = [&](const std::shared_ptr<backend::Backend>& engine, bool timed) {
    const Buffer<double> mean = upload(engine, uniforms(10, m * samples)), variance = upload(engine, uniforms(11, m)),
                         incumbents = upload(engine, uniforms(12, samples)), out(engine, m);
    const backend::Score call{
        {backend::AcquisitionKind::log_ei, incumbents.view(), 0}, mean.matrix(m, samples), variance.view(), out.view()};
    poison(*engine, out.matrix(m, 1));
    engine->run(call);
    std::vector<double> values = download(out);
    if (timed) run.timing(measure(*engine, run.limits, {[&](int) { engine->run(call); }}));
    return values;
  };
  const std::vector<double> values = result(run.backend, true);
  run.check(deviation(values, result(run.reference, false)), 1e-11, "the CPU engine");
}

}  // namespace

void add_acquisition_cases(Cases& cases) {
  for (const std::int64_t n : {250, 1000, 2000, 5000, 10000})
    for (const std::int64_t r : {20, 256, 4096})
      cases.push_back({"acq_max/n=" + std::to_string(n) + "/R=" + std::to_string(r),
                       400 * static_cast<double>(n * n) * static_cast<double>(r) / 10, n <= 1000 && r == 20,
                       [n, r](Run& run) { maximize(run, n, r); }});
  cases.push_back({"sobol/m=1000000/d=10", 1e9, true, [](Run& run) { sobol(run, 1000000, 10); }});
  cases.push_back({"normals/m=1000000/d=10", 1e9, true, [](Run& run) { normals(run, 1000000, 10); }});
  cases.push_back({"select_top/m=1000000/count=100", 1e8, true, [](Run& run) { select(run, 1000000, 100); }});
  cases.push_back({"score/m=100000/S=64", 1e9, true, [](Run& run) { score(run, 100000, 64); }});
}

}  // namespace warpbo::bench
