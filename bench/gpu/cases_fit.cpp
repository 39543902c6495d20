/// Fits of the hyperparameters as the gp strategy makes them: from nothing, and from the last fit.
#include "gp/fit.hpp"
#include "gpu/case.hpp"
#include "gpu/data.hpp"
#include "samplers/gp_recipe.hpp"

#include <cmath>

namespace warpbo::bench {

namespace {

gp::Regression with_data(const std::shared_ptr<backend::Backend>& backend, const Problem& problem, std::int64_t n) {
  gp::Regression regression(backend, gp::default_settings(problem.d));
  regression.set_data(std::span(problem.points).first(static_cast<std::size_t>(n * problem.d)),
                      std::span(problem.targets).first(static_cast<std::size_t>(n)));
  return regression;
}

gp::FitOptions cold_options() {
  const samplers::GpRecipe recipe;
  gp::FitOptions options;
  options.restarts = recipe.cold_restarts;
  options.max_rounds = recipe.cold_rounds;
  return options;
}

/// The last fit was to the same data less one tenth.
gp::FitOptions warm_options(const std::shared_ptr<backend::Backend>& backend, const Problem& problem) {
  const samplers::GpRecipe recipe;
  gp::FitOptions options;
  options.warm = {gp::fit(with_data(backend, problem, problem.n * 9 / 10), cold_options()).theta};
  options.restarts = 0;
  options.max_rounds = recipe.warm_rounds;
  return options;
}

/// The CPU engine's value of the negative log posterior density at hyperparameters that another engine found.
double value_at(const std::shared_ptr<backend::Backend>& engine, const gp::Regression& regression, const gp::Theta& theta) {
  const std::int64_t d = regression.dimensions();
  const gp::Settings settings = regression.settings();
  gp::Regression same(engine, settings);
  same.set_data(regression.host_points(), regression.host_targets());
  const backend::Buffer<double> where = upload(engine, theta), value(engine, 1);
  const backend::Buffer<std::int32_t> info(engine, 1);
  engine->run(backend::Likelihood{same.kernel(),
                                  same.points(),
                                  same.targets(),
                                  {},
                                  where.matrix(1, d + 1),
                                  settings.prior,
                                  nullptr,
                                  value.view(),
                                  {},
                                  info.view()});
  return download(value)[0];
}

void fit(Run& run, std::int64_t n, bool warm, double work) {
  const Problem problem(n, 10);
  const gp::FitOptions options = warm ? warm_options(run.backend, problem) : cold_options();
  gp::Regression regression = with_data(run.backend, problem, n);
  gp::FitReport report;
  const auto once = [&] { report = gp::fit(regression, options); };
  once();
  const bool affordable = work <= run.reference_work;
  const double value = value_at(affordable ? run.reference : run.backend, regression, report.theta);
  run.check(report.fitted ? std::fabs(report.value - value) / std::fabs(value) : INFINITY, 1e-9,
            affordable ? "the CPU engine at the same hyperparameters" : "a second evaluation");
  Limits limits = run.limits;
  limits.queue = 1;
  run.timing(measure(*run.backend, limits, {[&](int) { once(); }}));
  run.record.set("rounds", report.rounds);
  run.record.set("value", report.value);
  if (regression.factorize(report.theta)) run.record.set("lml", regression.log_marginal_likelihood());
}

}  // namespace

void add_fit_cases(Cases& cases) {
  for (const std::int64_t n : {100, 250, 500, 1000, 2000, 5000})
    for (const bool warm : {false, true}) {
      const double once = static_cast<double>(n * n) * static_cast<double>(n + 100);
      cases.push_back({"fit/n=" + std::to_string(n) + (warm ? "/warm" : "/cold"), 20 * once, n <= 250,
                       [n, warm, once](Run& run) { fit(run, n, warm, once); }});
    }
}

}  // namespace warpbo::bench
