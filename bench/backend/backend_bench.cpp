/// The operations of the CPU backend that decide how long a fit and an ask take.
///
/// Beside each time stands the counter `dgemm`: the rate (flop/s, one thread) of a matrix product measured right after it with
/// the same library. The column "CPU" is the time of all threads together, so CPU over Time is how many cores were really had.
#include "backend/cpu/dense.hpp"
#include "backend/memory.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace {

using namespace warpbo::backend;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kDimensions = 10;

double dgemm_rate(std::int64_t size) {
  const auto count = static_cast<std::size_t>(size * size);
  const std::vector<double> a(count, 1.25), b(count, 0.75);
  std::vector<double> c(count);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    cpu::gemm(cpu::Op::none, cpu::Op::none, size, size, size, 1, a.data(), size, b.data(), size, 0, c.data(), size);
    benchmark::DoNotOptimize(c.data());
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return 2.0 * static_cast<double>(size * size * size) / best;
}

void note_dgemm(benchmark::State& state) { state.counters["dgemm"] = dgemm_rate(512); }

/// Additive recurrence with irrational steps: spread out, and the same on every machine.
std::vector<double> spread(std::int64_t count, double step) {
  std::vector<double> out;
  for (std::int64_t i = 1; i <= count; ++i) out.push_back(std::fmod(static_cast<double>(i) * step, 1.0));
  return out;
}

Buffer<double> buffer_of(const std::shared_ptr<Backend>& backend, const std::vector<double>& values) {
  Buffer<double> buffer(backend, static_cast<std::int64_t>(values.size()));
  buffer.upload(values);
  return buffer;
}

/// n points in kDimensions, targets and `batch` hyperparameter vectors.
struct Data {
  std::int64_t n;
  Buffer<double> points, targets, theta;

  Data(const std::shared_ptr<Backend>& backend, std::int64_t size, std::int64_t batch = 1) : n(size) {
    const std::vector<double> x = spread(n * kDimensions, 0.7548776662466927);
    std::vector<double> y;
    for (std::int64_t i = 0; i < n; ++i) y.push_back(std::sin(7 * x[static_cast<std::size_t>(i)]));
    std::vector<double> parameters;
    for (std::int64_t i = 0; i < batch * (kDimensions + 1); ++i) parameters.push_back(i < batch * kDimensions ? -0.2 : -6.0);
    points = buffer_of(backend, x);
    targets = buffer_of(backend, y);
    theta = buffer_of(backend, parameters);
  }
};

void run_likelihood(benchmark::State& state, int threads, std::int64_t batch) {
  const auto backend = make_cpu_backend(threads);
  const Data data(backend, state.range(0), batch);
  const Buffer<double> value(backend, batch), gradient(backend, batch * (kDimensions + 1));
  const Buffer<std::int32_t> info(backend, batch);
  Likelihood call;
  call.points = data.points.matrix(data.n, kDimensions);
  call.targets = data.targets.matrix(data.n, 1);
  call.theta = data.theta.matrix(batch, kDimensions + 1);
  call.value = value.view();
  call.gradient = gradient.matrix(batch, kDimensions + 1);
  call.info = info.view();
  for (auto _ : state) {
    backend->run(call);
    benchmark::ClobberMemory();
  }
  if (*info.data() != 0) state.SkipWithError("the matrix could not be factored");
  state.SetItemsProcessed(state.iterations() * batch);
  note_dgemm(state);
}

void likelihood(benchmark::State& state) { run_likelihood(state, 0, 1); }
void likelihood_one_thread(benchmark::State& state) { run_likelihood(state, 1, 1); }
void likelihood_batch_16(benchmark::State& state) { run_likelihood(state, 0, 16); }

/// A model whose numbers are those of a fit; sizes are all that matters for the time.
struct Fitted {
  Data data;
  Buffer<double> factor, inverse, weights;

  Fitted(const std::shared_ptr<Backend>& backend, std::int64_t n, std::int64_t samples)
      : data(backend, n),
        factor(backend, n * n),
        inverse(backend, n * n),
        weights(buffer_of(backend, spread(n * samples, 0.6180339887))) {
    const Buffer<std::int32_t> info(backend, 1);
    backend->run(
        Gram{{}, data.points.matrix(n, kDimensions), data.theta.matrix(1, kDimensions + 1), {}, 0, factor.matrix(n, n)});
    backend->run(Cholesky{factor.matrix(n, n), 0, info.view()});
    backend->run(TriangularInverse{factor.matrix(n, n), 0, inverse.matrix(n, n)});
  }
  [[nodiscard]] Model model(std::int64_t samples) const {
    return {{},
            data.points.matrix(data.n, kDimensions),
            data.theta.matrix(1, kDimensions + 1),
            inverse.matrix(data.n, data.n),
            weights.matrix(data.n, samples),
            0,
            1};
  }
};

void posterior(benchmark::State& state) {
  constexpr std::int64_t kQueries = 4096;
  const auto backend = make_cpu_backend();
  const Fitted fitted(backend, state.range(0), 1);
  const Buffer<double> queries = buffer_of(backend, spread(kQueries * kDimensions, 0.5698402909980532));
  const Buffer<double> mean(backend, kQueries), variance(backend, kQueries);
  Posterior call;
  call.model = fitted.model(1);
  call.queries = queries.matrix(kQueries, kDimensions);
  call.mean = mean.matrix(kQueries, 1);
  call.variance = variance.view();
  for (auto _ : state) backend->run(call);
  state.SetItemsProcessed(state.iterations() * kQueries);
  state.counters["points"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kQueries), benchmark::Counter::kIsRate);
  note_dgemm(state);
}

/// range: n, queries, samples.
void acquisition(benchmark::State& state) {
  const std::int64_t m = state.range(1), samples = state.range(2);
  const auto backend = make_cpu_backend();
  const Fitted fitted(backend, state.range(0), samples);
  const Buffer<double> queries = buffer_of(backend, spread(m * kDimensions, 0.5698402909980532));
  const Buffer<double> value(backend, m), gradient(backend, m * kDimensions),
      incumbents = buffer_of(backend, spread(samples, 0.3));
  Acquisition call;
  call.model = fitted.model(samples);
  call.acquisition.incumbents = incumbents.view();
  call.queries = queries.matrix(m, kDimensions);
  call.value = value.view();
  call.gradient = gradient.matrix(m, kDimensions);
  for (auto _ : state) backend->run(call);
  state.SetItemsProcessed(state.iterations() * m);
  note_dgemm(state);
}

/// range: queries, samples.
void score(benchmark::State& state) {
  const std::int64_t m = state.range(0), samples = state.range(1);
  const auto backend = make_cpu_backend();
  const Buffer<double> mean = buffer_of(backend, spread(m * samples, 0.7548776662466927)),
                       variance = buffer_of(backend, std::vector<double>(static_cast<std::size_t>(m), 0.5));
  const Buffer<double> out(backend, m), incumbents = buffer_of(backend, spread(samples, 0.3));
  Score call;
  call.acquisition.incumbents = incumbents.view();
  call.mean = mean.matrix(m, samples);
  call.variance = variance.view();
  call.out = out.view();
  for (auto _ : state) backend->run(call);
  state.SetItemsProcessed(state.iterations() * m * samples);
  note_dgemm(state);
}

void gram(benchmark::State& state) {
  const auto backend = make_cpu_backend(1);
  const Data data(backend, state.range(0));
  const Buffer<double> out(backend, data.n * data.n);
  for (auto _ : state)
    backend->run(Gram{
        {}, data.points.matrix(data.n, kDimensions), data.theta.matrix(1, kDimensions + 1), {}, 0, out.matrix(data.n, data.n)});
  state.SetItemsProcessed(state.iterations() * data.n * (data.n + 1) / 2);
  note_dgemm(state);
}

void cholesky(benchmark::State& state) {
  const auto backend = make_cpu_backend(1);
  const std::int64_t n = state.range(0);
  const Data data(backend, n);
  const Buffer<double> original(backend, n * n), out(backend, n * n);
  const Buffer<std::int32_t> info(backend, 1);
  backend->run(
      Gram{{}, data.points.matrix(n, kDimensions), data.theta.matrix(1, kDimensions + 1), {}, 0, original.matrix(n, n)});
  for (auto _ : state) {
    backend->copy(original.matrix(n, n), out.matrix(n, n));
    backend->run(Cholesky{out.matrix(n, n), 0, info.view()});
  }
  note_dgemm(state);
}

void triangular_inverse(benchmark::State& state) {
  const auto backend = make_cpu_backend(1);
  const std::int64_t n = state.range(0);
  const Fitted fitted(backend, n, 1);
  for (auto _ : state) backend->run(TriangularInverse{fitted.factor.matrix(n, n), 0, fitted.inverse.matrix(n, n)});
  note_dgemm(state);
}

void dgemm(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(dgemm_rate(state.range(0)));
  state.counters["dgemm"] = dgemm_rate(state.range(0));
}

BENCHMARK(likelihood)
    ->Arg(64)
    ->Arg(256)
    ->Arg(1000)
    ->Arg(2000)
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(likelihood_one_thread)
    ->Arg(32)
    ->Arg(64)
    ->Arg(128)
    ->Arg(256)
    ->Arg(512)
    ->Arg(1000)
    ->Arg(2000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(likelihood_batch_16)->Arg(64)->Arg(200)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(posterior)->Arg(200)->Arg(1000)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(acquisition)
    ->Args({200, 20, 1})
    ->Args({200, 20, 64})
    ->Args({1000, 20, 1})
    ->Args({1000, 4, 64})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(score)->Args({4096, 1})->Args({4096, 64})->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(gram)->Arg(64)->Arg(256)->Arg(1000)->Unit(benchmark::kMicrosecond);
BENCHMARK(cholesky)->Arg(64)->Arg(256)->Arg(1000)->Arg(2000)->Unit(benchmark::kMicrosecond);
BENCHMARK(triangular_inverse)->Arg(64)->Arg(256)->Arg(1000)->Unit(benchmark::kMicrosecond);
BENCHMARK(dgemm)->Arg(256)->Arg(1024)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
