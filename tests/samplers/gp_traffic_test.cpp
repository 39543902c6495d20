// What one ask sends over the bus and how often the host waits for the device. A GPU stands idle while it is waited for, and a
// download of kilobytes costs no more than one of bytes: the number of waits is what counts.
#include "backend/fault_backend.hpp"
#include "math/philox.hpp"
#include "samplers/gp_sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace warpbo::samplers {
namespace {

constexpr int kDimensions = 6;

std::vector<Trial> history(int n) {
  std::vector<Trial> out;
  for (int i = 0; i < n; ++i) {
    Trial trial;
    trial.id = trial.number = i;
    double sum = 0;
    for (int k = 0; k < kDimensions; ++k) {
      const double x = math::philox_uniform(1, 0, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(k));
      trial.parameters.set("x" + std::to_string(k), x);
      sum += (x - 0.4) * (x - 0.4) + 0.02 * std::sin(25 * x);
    }
    trial.state = TrialState::complete;
    trial.value = sum;
    out.push_back(std::move(trial));
  }
  return out;
}

/// The traffic of ask(count) of a sampler that answered before the last trial was told.
backend::Traffic warm_ask(int n, int count) {
  Space space;
  for (int k = 0; k < kDimensions; ++k) space.real("x" + std::to_string(k), 0, 1);
  const auto device = std::make_shared<backend::FaultBackend>(backend::make_cpu_backend());
  const auto sampler = make_gp_sampler({.kind = SamplerKind::gp}, GpRecipe{}, [&](const Device&) {
    return backend::Opened{device, {}};
  });
  const std::vector<Trial> trials = history(n), before(trials.begin(), trials.end() - 1);
  (void)sampler->suggest({space, before, {}, Direction::minimize, 1, {}, before.size()});
  device->plan({});
  (void)sampler->suggest({space, trials, {}, Direction::minimize, count, {}, trials.size()});
  return device->traffic();
}

struct Limit {
  int observations, count;
  std::int64_t waits, downloaded_bytes, uploaded_bytes;
};

class GpTraffic : public ::testing::TestWithParam<Limit> {};

TEST_P(GpTraffic, OfOneWarmAsk) {
  const Limit& limit = GetParam();
  const backend::Traffic traffic = warm_ask(limit.observations, limit.count);
  RecordProperty("waits", static_cast<int>(traffic.waits));
  RecordProperty("bytes_down", static_cast<int>(traffic.downloaded_bytes));
  RecordProperty("bytes_up", static_cast<int>(traffic.uploaded_bytes));
  EXPECT_LE(traffic.waits, limit.waits);
  EXPECT_LE(traffic.downloaded_bytes, limit.downloaded_bytes);
  EXPECT_LE(traffic.uploaded_bytes, limit.uploaded_bytes);
}

// Measured, in 6 dimensions (waits, bytes down, bytes up):
//   n =  200, ask(1):   11,  27 288, 128 396   down: 16 KB are the candidates' scores; up: 98 KB are the candidates
//   n =  200, ask(16): 126, 288 040, 165 392
//   n = 1000, ask(1):   11,  34 268, 108 820   down: another 16 KB for leave-one-out
//   n = 1000, ask(16): 124, 295 012, 145 816
// Nothing n x n or n x d comes back. The 11 waits of ask(1) at n = 200: 2 for the warm search (15 rounds, asked after 8; the
// results), 1 factorization, 1 leave-one-out, 2 for incumbents that this objective's noise makes uncertain (fitted means,
// sampled values), 1 scores, 2 values of starts and ends, 2 for the climb. At n = 1000 the factor is extended instead; 9 waits
// with -O1, where the climb takes fewer rounds. A batch's limit is for climbs that take all the 25 rounds they may: 4 waits of
// the 8 that a trial takes.
INSTANTIATE_TEST_SUITE_P(Sizes, GpTraffic,
                         ::testing::Values(Limit{200, 1, 13, 30000, 140000}, Limit{200, 16, 139, 310000, 180000},
                                           Limit{1000, 1, 13, 37000, 120000}, Limit{1000, 16, 139, 310000, 160000}));

}  // namespace
}  // namespace warpbo::samplers
