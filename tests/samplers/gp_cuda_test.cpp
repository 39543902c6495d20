// The Gaussian-process strategy on the CUDA engine, whose kernels run on the stand-in: whole asks, against the CPU's; what they
// launch, move and wait for; and rows G6 and G8 of the catalogue of faults with faults that come out of the CUDA runtime.
#include "backend/cuda/cuda_backend.hpp"
#include "emulation/emulation.hpp"
#include "samplers/gp_sampler.hpp"

#include <warpbo/error.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace warpbo::samplers {
namespace {

GpRecipe small_recipe() {
  GpRecipe recipe;
  recipe.candidates = 128;
  recipe.cold_restarts = 2;
  recipe.cold_rounds = 12;
  recipe.warm_rounds = 8;
  recipe.climb_rounds = 40;
  recipe.starts = 4;
  recipe.samples = 8;
  return recipe;
}

class GpCuda : public ::testing::Test {
 protected:
  Space space;
  SamplerOptions options{.kind = SamplerKind::gp};
  int device = 0;

  GpCuda() {
    space.real("x", 0, 1);
    space.real("y", 0, 1);
  }
  void TearDown() override { emulation::reset_device(); }

  [[nodiscard]] std::vector<Trial> history(int n) const {
    std::vector<Trial> out;
    for (int i = 0; i < n; ++i) {
      const double x = std::fmod(0.5 + 0.7548776662 * i, 1), y = std::fmod(0.5 + 0.5698402910 * i, 1);
      Trial trial;
      trial.id = trial.number = i;
      trial.parameters = Parameters{{"x", x}, {"y", y}};
      if (space.parameters().size() > 2) {
        if (space.parameters().size() > 3) trial.parameters.set("n", i * 7 % 31);
        trial.parameters.set("c", std::string(i % 3 == 0 ? "a" : "b"));
      }
      trial.state = TrialState::complete;
      trial.value = (x - 0.3) * (x - 0.3) + (y - 0.7) * (y - 0.7) + 0.05 * std::sin(20 * x);
      out.push_back(trial);
    }
    return out;
  }
  /// A search that tries several step lengths at once may end on another hill of the same height: with one, step follows step.
  static constexpr backend::cuda::Tuning kOneStepLength{.free_rows = 1};
  [[nodiscard]] std::unique_ptr<Sampler> on_cuda(const backend::cuda::Tuning& tuning = kOneStepLength) const {
    return make_gp_sampler(options, small_recipe(), [device = device, tuning](const Device&) -> backend::Opened {
      try {
        return {backend::make_cuda_engine(device, tuning), {}};
      } catch (const Error& error) {  // as device auto
        return {backend::make_cpu_backend(), error.what()};
      }
    });
  }
  [[nodiscard]] std::unique_ptr<Sampler> on_cpu() const {
    SamplerOptions cpu = options;
    cpu.device = Device::cpu();
    return make_gp_sampler(cpu, small_recipe());
  }
  [[nodiscard]] SuggestResult ask(Sampler& sampler, int n, int count) const {
    const std::vector<Trial> finished = history(n);
    return sampler.suggest({space, finished, {}, Direction::minimize, count, {}, finished.size() + 1});
  }
  /// Both searches end at the same places: their arithmetic differs in the last bits only.
  void expect_close(const SuggestResult& found, const SuggestResult& right, double tolerance) const {
    ASSERT_EQ(found.suggestions.size(), right.suggestions.size());
    for (std::size_t i = 0; i < right.suggestions.size(); ++i)
      for (const ParameterSpec& parameter : space.parameters()) {
        const Value& a = found.suggestions[i].parameters.at(parameter.name);
        const Value& b = right.suggestions[i].parameters.at(parameter.name);
        if (std::holds_alternative<double>(a))
          EXPECT_NEAR(std::get<double>(a), std::get<double>(b), tolerance) << parameter.name << " of proposal " << i;
        else
          EXPECT_EQ(a, b) << parameter.name << " of proposal " << i;
      }
  }
};

TEST_F(GpCuda, AsksAsTheCpuDoes) {
  for (const int count : {1, 4}) {
    const auto cuda = on_cuda(), cpu = on_cpu();
    for (const int n : {12, 13, 40}) {
      SCOPED_TRACE("n = " + std::to_string(n) + ", count = " + std::to_string(count));
      const SuggestResult found = ask(*cuda, n, count);
      EXPECT_EQ(found.model.device, "cuda:0");
      EXPECT_TRUE(found.degraded.empty());
      expect_close(found, ask(*cpu, n, count), 1e-3);
    }
  }
}

TEST_F(GpCuda, SeveralStepLengthsARoundFindTheSameInFewerRounds) {
  const auto several = on_cuda({.rounds_per_check = 1}), one = on_cuda({.free_rows = 1, .rounds_per_check = 1}), cpu = on_cpu();
  for (const int n : {12, 40}) {
    const SuggestResult right = ask(*cpu, n, 1);
    emulation::reset_counters();
    expect_close(ask(*several, n, 1), right, 1e-3);
    const emulation::Counters fewer = emulation::counters();
    emulation::reset_counters();
    expect_close(ask(*one, n, 1), right, 1e-3);
    EXPECT_LT(fewer.graph_launches, emulation::counters().graph_launches) << n;
  }
}

TEST_F(GpCuda, AsksAsTheCpuDoesInAMixedSpace) {
  space.integer("n", 0, 30);
  space.categorical("c", {"a", "b"});
  space.constrain("x + y <= 1.9");
  const auto cuda = on_cuda(), cpu = on_cpu();
  for (const int n : {20, 21}) expect_close(ask(*cuda, n, 2), ask(*cpu, n, 2), 1e-3);
}

// The same functions on both engines, climbed to the same places.
TEST_F(GpCuda, FollowsTheFunctionsThatTheCpuFollows) {
  space.categorical("c", {"a", "b"});
  options.acquisition = AcquisitionFunction::thompson;
  GpRecipe recipe = small_recipe();
  recipe.path_candidates = 128;
  recipe.path_features = 64;
  const std::vector<Trial> finished = history(30);
  SamplerOptions cpu = options;
  cpu.device = Device::cpu();
  const auto left = make_gp_sampler(options, recipe, [](const Device&) -> backend::Opened {
    return {backend::make_cuda_engine(0), {}};
  });
  const SuggestRequest request{space, finished, {}, Direction::minimize, 8, {}, 31};
  const SuggestResult found = left->suggest(request);
  EXPECT_EQ(found.model.device, "cuda:0");
  expect_close(found, make_gp_sampler(cpu, recipe)->suggest(request), 1e-2);
}

TEST_F(GpCuda, SameSeedSameBits) {
  const SuggestResult first = ask(*on_cuda(), 15, 3), second = ask(*on_cuda(), 15, 3);
  ASSERT_EQ(first.suggestions.size(), second.suggestions.size());
  for (std::size_t i = 0; i < first.suggestions.size(); ++i)
    EXPECT_EQ(first.suggestions[i].parameters, second.suggestions[i].parameters);
}

TEST_F(GpCuda, G6_WhicheverAllocationOfTheRuntimeFailsTheAskIsAnswered) {
  const SuggestResult right = ask(*on_cpu(), 12, 2);
  bool met = true;
  for (std::int64_t k = 1; met; ++k) {
    ASSERT_LT(k, 1000);
    emulation::set_faults({.allocation = k, .later_allocations_too = true});
    const SuggestResult result = ask(*on_cuda(), 12, 2);
    met = result.model.device == "cpu";
    expect_close(result, right, met ? 0 : 1e-3);
    EXPECT_EQ(result.degraded.empty() && result.notice.empty(), !met);
    EXPECT_EQ(emulation::live_bytes(), 0U) << "allocation " << k;
    emulation::set_faults({});
  }
}

TEST_F(GpCuda, G8_AtWhicheverCallTheDeviceIsLostTheCpuGoesOn) {
  const SuggestResult right = ask(*on_cpu(), 12, 2);
  bool met = true;
  for (std::int64_t k = 1; met; k += k < 60 ? 1 : 23) {
    ASSERT_LT(k, 100000);
    device = static_cast<int>(k);  // a device once lost stays lost: take another one each time
    emulation::set_faults({.call = k, .code = cudaErrorIllegalAddress, .device_count = 1'000'000});
    const SuggestResult result = ask(*on_cuda(), 12, 2);
    met = result.model.device == "cpu";
    expect_close(result, right, met ? 0 : 1e-3);
    EXPECT_EQ(result.degraded.empty() && result.notice.empty(), !met);
    emulation::reset_device();
  }
}

// An ask whose model is warm. Predicted: per round of a search one graph or about six launches; waits only for how many
// problems are left, once in eight rounds, and for what the host has to know: the factor's status, the values of the climbed
// points.
TEST_F(GpCuda, WarmAskLaunchesMovesAndWaitsLittle) {
  const auto cuda = on_cuda({});
  (void)ask(*cuda, 40, 1);
  emulation::reset_counters();
  (void)ask(*cuda, 41, 1);
  const emulation::Counters seen = emulation::counters();
  RecordProperty("launches", static_cast<int>(seen.launches));
  RecordProperty("nodes", static_cast<int>(seen.nodes));
  RecordProperty("synchronizations", static_cast<int>(seen.synchronizations));
  RecordProperty("bytes_to_host", static_cast<int>(seen.bytes_to_host));
  RecordProperty("bytes_to_device", static_cast<int>(seen.bytes_to_device));
  EXPECT_LE(seen.synchronizations, 60);
  EXPECT_LE(seen.bytes_to_host, 20'000);
  EXPECT_LE(seen.launches, 400);
}

}  // namespace
}  // namespace warpbo::samplers
