/// Fitting the Gaussian process as the gp strategy does it: cold (several starts from the prior) and warm (from the last fit).
///
/// The counter `dgemm` is the rate (flop/s, one thread) of a matrix product measured right after with the same library; `rounds` is
/// the number of likelihood evaluations per start that the search took.
#include "backend/cpu/dense.hpp"
#include "gp/fit.hpp"
#include "math/philox.hpp"
#include "samplers/gp_recipe.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

namespace warpbo {
namespace {

constexpr std::int64_t kDimensions = 10;

double dgemm_rate() {
  constexpr std::int64_t kSize = 512;
  const std::vector<double> a(kSize * kSize, 1.25), b(kSize * kSize, 0.75);
  std::vector<double> c(kSize * kSize);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    backend::cpu::gemm(backend::cpu::Op::none, backend::cpu::Op::none, kSize, kSize, kSize, 1, a.data(), kSize, b.data(), kSize, 0,
                       c.data(), kSize);
    benchmark::DoNotOptimize(c.data());
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 2.0 * kSize * kSize * kSize / best;
}

/// n points of [0, 1]^10 and a standardized target that depends on the first dimensions more than on the last, with a little noise.
gp::Regression make_data(std::int64_t n) {
  std::vector<double> points, targets;
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::int64_t k = 0; k < kDimensions; ++k) {
      const double x = math::philox_uniform(1, 0, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(k));
      points.push_back(x);
      sum += std::sin(4 * x + static_cast<double>(k)) / static_cast<double>(k + 1);
    }
    targets.push_back(sum + 0.02 * math::philox_normal(1, 1, static_cast<std::uint64_t>(i), 0));
  }
  double mean = 0, square = 0;
  for (const double y : targets) mean += y / static_cast<double>(n);
  for (const double y : targets) square += (y - mean) * (y - mean) / static_cast<double>(n);
  for (double& y : targets) y = (y - mean) / std::sqrt(square);
  gp::Regression regression(backend::make_cpu_backend(), gp::default_settings(kDimensions));
  regression.set_data(points, targets);
  return regression;
}

gp::FitOptions cold_options() {
  const samplers::GpRecipe recipe;
  gp::FitOptions options;
  options.restarts = recipe.cold_restarts;
  options.max_rounds = recipe.cold_rounds;
  return options;
}

void fit_cold(benchmark::State& state) {
  const gp::Regression regression = make_data(state.range(0));
  gp::FitReport report;
  for (auto _ : state) report = gp::fit(regression, cold_options());
  state.counters["rounds"] = report.rounds;
  state.counters["dgemm"] = dgemm_rate();
}

/// The last fit was to the same data less one tenth.
void fit_warm(benchmark::State& state) {
  const samplers::GpRecipe recipe;
  gp::FitOptions options;
  options.warm = {gp::fit(make_data(state.range(0) * 9 / 10), cold_options()).theta};
  options.restarts = 0;
  options.max_rounds = recipe.warm_rounds;
  const gp::Regression regression = make_data(state.range(0));
  gp::FitReport report;
  for (auto _ : state) report = gp::fit(regression, options);
  state.counters["rounds"] = report.rounds;
  state.counters["dgemm"] = dgemm_rate();
}

BENCHMARK(fit_warm)->Arg(200)->Arg(1000)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(fit_cold)->Arg(200)->Arg(1000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace warpbo

BENCHMARK_MAIN();
