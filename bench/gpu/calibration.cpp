/// What the device and the way to it can do, measured in the same run as everything else.
#include "gpu/case.hpp"
#include "gpu/data.hpp"

namespace warpbo::bench {

namespace {

using backend::Buffer;
using backend::Matrix;

/// Bytes read and written per second by a copy of a large matrix.
void copy(Run& run) {
  const std::int64_t n = run.on_device() ? std::int64_t{1} << 14 : std::int64_t{1} << 12;
  const Buffer<double> from(run.backend, n * n), to(run.backend, n * n);
  run.backend->run(backend::FillRandom{from.matrix(n, n), 1, 0, false});
  const Timing timing =
      measure(*run.backend, run.limits, {[&](int) { run.backend->copy(from.matrix(n, n), to.matrix(n, n)); }});
  run.timing(timing);
  run.record.set("rate", 16.0 * static_cast<double>(n * n) / timing.median);
}

/// Flops per second of a product of two random matrices.
void product(Run& run, std::int64_t n) {
  const Buffer<double> a(run.backend, n * n), b(run.backend, n * n), c(run.backend, n * n);
  run.backend->run(backend::FillRandom{a.matrix(n, n), 1, 0, true});
  run.backend->run(backend::FillRandom{b.matrix(n, n), 1, 1, true});
  const backend::Multiply call{a.matrix(n, n), false, false, b.matrix(n, n), false, 1, 0, c.matrix(n, n)};
  const Timing timing = measure(*run.backend, run.limits, {[&](int) { run.backend->run(call); }});
  run.timing(timing);
  run.record.set("rate", 2.0 * static_cast<double>(n * n * n) / timing.median);
}

/// Seconds from one tiny operation to the next when many are queued.
void launch(Run& run) {
  const Buffer<double> one(run.backend, 1);
  Limits limits = run.limits;
  limits.queue = 1000;
  run.timing(measure(*run.backend, limits, {[&](int i) { run.backend->fill(one.matrix(1, 1), i); }}));
}

/// The same when a recorded round of 100 of them is replayed.
void replay(Run& run) {
  constexpr int kOperations = 100;
  const Buffer<double> one(run.backend, 1);
  const auto round = run.backend->record([&] {
    for (int i = 0; i < kOperations; ++i) run.backend->fill(one.matrix(1, 1), i);
  });
  round->run(3);
  Timing timing = measure(*run.backend, run.limits, {[&](int) { round->run(1); }});
  timing.median /= kOperations;
  timing.least /= kOperations;
  run.timing(timing);
}

/// Seconds until one number that has just been written is on the host.
void round_trip(Run& run) {
  const Buffer<double> one(run.backend, 1);
  double value = 0;
  Limits limits = run.limits;
  limits.queue = 1;
  run.timing(measure(*run.backend, limits, {[&](int i) {
    run.backend->fill(one.matrix(1, 1), i);
    run.backend->download(&value, one.data(), sizeof value);
  }}));
}

}  // namespace

void add_calibration(Cases& cases) {
  cases.push_back({"calibrate/copy", 1e9, true, copy});
  for (const std::int64_t n : {1024, 8192})
    cases.push_back({"calibrate/product/n=" + std::to_string(n), 2.0 * static_cast<double>(n * n * n), n == 1024,
                     [n](Run& run) { product(run, n); }});
  cases.push_back({"calibrate/launch", 1e6, true, launch});
  cases.push_back({"calibrate/replay", 1e6, true, replay});
  cases.push_back({"calibrate/download", 1e6, true, round_trip});
}

}  // namespace warpbo::bench
