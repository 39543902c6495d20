/// Kernel matrices and their Cholesky factors.
#include "gpu/case.hpp"
#include "gpu/data.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::bench {

namespace {

using backend::Buffer;
using backend::Matrix;

/// How many matrices of n x n are needed for `bytes`, at least 1 and at most `most`: calls that take turns with as many do not
/// find their data in the cache.
int turns(std::int64_t n, double bytes, int most) {
  return std::clamp(static_cast<int>(std::ceil(bytes / (8.0 * static_cast<double>(n * n)))), 1, most);
}

/// k(x_i, x_j) plus the noise, in long double.
long double covariance(const Problem& problem, std::int64_t i, std::int64_t j) {
  long double squared = 0;
  for (std::int64_t k = 0; k < problem.d; ++k) {
    const long double delta = static_cast<long double>(problem.points[static_cast<std::size_t>(i * problem.d + k)]) -
                              static_cast<long double>(problem.points[static_cast<std::size_t>(j * problem.d + k)]);
    const long double length = std::exp(static_cast<long double>(problem.theta[static_cast<std::size_t>(k)]));
    squared += delta * delta / (length * length);
  }
  const long double s = std::sqrt(5 * squared);
  return (1 + s + s * s / 3) * std::exp(-s) + (i == j ? std::exp(static_cast<long double>(problem.theta.back())) : 0.0L);
}

/// A few whole columns against the formula; tril(out) times ones shows whether anything in between was left unwritten.
double gram_deviation(Run& run, const Problem& problem, const Matrix& out) {
  const std::int64_t n = problem.n;
  std::vector<double> column(static_cast<std::size_t>(n)), expected(column.size());
  double worst = 0;
  for (const std::int64_t j : {std::int64_t{0}, n / 3, n / 2 + 1, n - 1}) {
    run.backend->download(column.data(), out.data + j * out.leading, column.size() * sizeof(double));
    for (std::int64_t i = 0; i < n; ++i)
      expected[static_cast<std::size_t>(i)] = static_cast<double>(covariance(problem, std::max(i, j), j));
    for (std::int64_t i = 0; i < j; ++i) column[static_cast<std::size_t>(i)] = expected[static_cast<std::size_t>(i)];
    worst = std::max(worst, deviation(column, expected));
  }
  const Buffer<double> ones(run.backend, n), sums(run.backend, n);
  run.backend->fill(ones.matrix(n, 1), 1);
  run.backend->run(backend::Multiply{out, false, true, ones.matrix(n, 1), false, 1, 0, sums.matrix(n, 1)});
  for (const double sum : download(sums))
    if (!std::isfinite(sum)) return INFINITY;
  return worst;
}

void kernel_build(Run& run, std::int64_t n, std::int64_t d) {
  const Problem problem(n, d);
  const Uploaded data(run.backend, problem);
  const int sets = turns(n, 2e8, 16);
  const Buffer<double> out(run.backend, sets * n * n);
  const auto target = [&](int i) { return Matrix{out.data() + (i % sets) * n * n, n, n, n, 1, 0}; };
  const auto build = [&](int i) { run.backend->run(backend::Gram{{}, data.points(), data.theta(), {}, 0, target(i)}); };
  poison(*run.backend, target(0));
  build(0);
  run.check(gram_deviation(run, problem, target(0)), 1e-14, "the formula in long double");
  run.timing(measure(*run.backend, run.limits, {build}));
}

/// |A Z - L (L' Z)| over |A Z| for four random columns; only lower triangles are read, and A's diagonal is the same everywhere.
double cholesky_deviation(Run& run, const Matrix& a, const Matrix& factor, double diagonal) {
  constexpr std::int64_t kColumns = 4;
  const std::int64_t n = a.rows;
  const Buffer<double> z(run.backend, n * kColumns), u(run.backend, n * kColumns), v(run.backend, n * kColumns);
  const Matrix zs = z.matrix(n, kColumns), us = u.matrix(n, kColumns), vs = v.matrix(n, kColumns);
  run.backend->run(backend::FillRandom{zs, 7, 0, true});
  run.backend->run(backend::Multiply{factor, true, true, zs, false, 1, 0, us});
  run.backend->run(backend::Multiply{factor, false, true, us, false, 1, 0, vs});
  const std::vector<double> product = download(v), probe = download(z);
  run.backend->run(backend::Multiply{a, false, true, zs, false, 1, 0, us});
  run.backend->run(backend::Multiply{a, true, true, zs, false, 1, 1, us});
  std::vector<double> expected = download(u);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] -= diagonal * probe[i];
  return deviation(product, expected);
}

void cholesky(Run& run, std::int64_t n) {
  const Problem problem(n, 10);
  const Uploaded data(run.backend, problem);
  const int sets = turns(n, 5e8, 32);
  const Buffer<double> original(run.backend, n * n), work(run.backend, sets * n * n);
  const Buffer<std::int32_t> info(run.backend, 1);
  const Matrix a = original.matrix(n, n);
  run.backend->run(backend::Gram{{}, data.points(), data.theta(), {}, 0, a});
  const auto target = [&](int i) { return Matrix{work.data() + i * n * n, n, n, n, 1, 0}; };
  const auto prepare = [&](int calls) {
    for (int i = 0; i < calls; ++i) run.backend->copy(a, target(i));
  };
  const auto factor = [&](int i) { run.backend->run(backend::Cholesky{target(i), 0, info.view()}); };
  prepare(1);
  factor(0);
  run.check(download(info)[0] == 0 ? cholesky_deviation(run, a, target(0), 1 + std::exp(problem.theta.back())) : INFINITY,
            1e-11, "L L' = A on random vectors");
  Limits limits = run.limits;
  limits.queue = sets;
  run.timing(measure(*run.backend, limits, {factor, prepare}));
}

void cholesky_batch(Run& run, std::int64_t n, std::int64_t batch) {
  const Problem problem(n, 10);
  const auto factors = [&](const std::shared_ptr<backend::Backend>& engine, Buffer<double>& original, Buffer<double>& work,
                           Buffer<std::int32_t>& info) {
    const Uploaded data(engine, problem, batch);
    original = Buffer<double>(engine, batch * n * n);
    work = Buffer<double>(engine, batch * n * n);
    info = Buffer<std::int32_t>(engine, batch);
    engine->fill(original.matrix(n * n, batch), 0);
    engine->run(backend::Gram{{}, data.points(), data.theta(), {}, 0, {original.data(), n, n, n, batch, n * n}});
    engine->copy(original.matrix(n * n, batch), work.matrix(n * n, batch));
    engine->run(backend::Cholesky{{work.data(), n, n, n, batch, n * n}, 0, info.view()});
  };
  Buffer<double> original, work, expected;
  Buffer<std::int32_t> info, unused;
  factors(run.backend, original, work, info);
  std::vector<double> result = download(work);
  for (const std::int32_t code : download(info))
    if (code != 0) result[0] = NAN;
  Buffer<double> scratch;
  factors(run.reference, scratch, expected, unused);
  run.check(deviation(result, download(expected)), 1e-11, "the CPU engine");
  Limits limits = run.limits;
  limits.queue = 1;
  run.timing(measure(*run.backend, limits,
                     {[&](int) {
                        run.backend->run(backend::Cholesky{{work.data(), n, n, n, batch, n * n}, 0, info.view()});
                      },
                      [&](int) { run.backend->copy(original.matrix(n * n, batch), work.matrix(n * n, batch)); }}));
}

}  // namespace

void add_dense_cases(Cases& cases) {
  const auto cube = [](std::int64_t n) { return static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n); };
  for (const std::int64_t n : {1000, 2000, 5000, 10000, 20000})
    for (const std::int64_t d : {10, 50})
      cases.push_back({"kernel_build/n=" + std::to_string(n) + "/d=" + std::to_string(d),
                       static_cast<double>(n * n * (4 * d + 60)), n == 1000, [n, d](Run& run) { kernel_build(run, n, d); }});
  for (const std::int64_t n : {256, 512, 1000, 2000, 5000, 10000, 20000})
    cases.push_back({"cholesky/n=" + std::to_string(n), cube(n) / 2, n <= 1000, [n](Run& run) { cholesky(run, n); }});
  for (const std::int64_t batch : {100, 10000})
    cases.push_back({"cholesky_batch/n=64/batch=" + std::to_string(batch), 4 * cube(64) * static_cast<double>(batch),
                     batch == 100, [batch](Run& run) { cholesky_batch(run, 64, batch); }});
}

}  // namespace warpbo::bench
