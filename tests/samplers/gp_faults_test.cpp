// Rows G3, G6, G7 and G8 of the catalogue of faults: a device that fails on demand under the Gaussian-process strategy. The
// device computes as the CPU does, so what the strategy answers after a fault must be the CPU's answer to the bit.
#include "backend/fault_backend.hpp"
#include "samplers/gp_sampler.hpp"

#include <warpbo/error.hpp>

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

namespace warpbo::samplers {
namespace {

using backend::FaultBackend;
using backend::Faults;

/// Small, so that every call of an ask can be made to fail in turn.
GpRecipe small_recipe() {
  GpRecipe recipe;
  recipe.candidates = 64;
  recipe.cold_restarts = 2;
  recipe.cold_rounds = 6;
  recipe.warm_rounds = 4;
  recipe.climb_rounds = 5;
  recipe.starts = 2;
  recipe.samples = 8;
  recipe.always_cold = 8;
  return recipe;
}

/// The parts of the strategy differ: a noisy objective integrates over uncertain incumbents, a mixed space has levels to search
/// and a constraint.
enum class Kind { plain, noisy, mixed };

class GpFaults : public ::testing::Test {
 protected:
  Space space;
  SamplerOptions options{.kind = SamplerKind::gp};
  std::shared_ptr<FaultBackend> device = std::make_shared<FaultBackend>(backend::make_cpu_backend());
  int opened = 0;

  GpFaults() { study(Kind::plain); }

  void study(Kind kind) {
    space = Space();
    space.real("x", 0, 1);
    space.real("y", 0, 1);
    options.noise = kind == Kind::noisy ? Noise::noisy : Noise::infer;
    if (kind != Kind::mixed) return;
    space.integer("n", 0, 30);
    space.categorical("c", {"a", "b"});
    space.constrain("x + y <= 1.9");
  }

  /// n trials spread over the square.
  [[nodiscard]] std::vector<Trial> history(int n) const {
    std::vector<Trial> out;
    for (int i = 0; i < n; ++i) {
      const double x = std::fmod(0.5 + 0.7548776662 * i, 1), y = std::fmod(0.5 + 0.5698402910 * i, 1);
      out.push_back(trial(i, x, y, (x - 0.3) * (x - 0.3) + (y - 0.7) * (y - 0.7) + 0.05 * std::sin(20 * x)));
    }
    return out;
  }
  [[nodiscard]] Trial trial(std::int64_t number, double x, double y, double value) const {
    Trial out;
    out.id = out.number = number;
    out.parameters = Parameters{{"x", x}, {"y", y}};
    if (space.parameters().size() > 2) {
      out.parameters.set("n", number * 7 % 31);
      out.parameters.set("c", std::string(number % 3 == 0 ? "a" : "b"));
    }
    out.state = TrialState::complete;
    out.value = value;
    return out;
  }

  std::unique_ptr<Sampler> on_device() {
    return make_gp_sampler(options, small_recipe(), [this](const Device&) {
      ++opened;
      return backend::Opened{device, {}};
    });
  }
  [[nodiscard]] std::unique_ptr<Sampler> on_cpu() const {
    SamplerOptions cpu = options;
    cpu.device = Device::cpu();
    return make_gp_sampler(cpu, small_recipe());
  }

  /// Two proposals beside one pending trial: every part of the strategy takes part.
  [[nodiscard]] SuggestResult ask(Sampler& sampler, const std::vector<Trial>& finished, int count = 2) const {
    Trial pending = trial(static_cast<std::int64_t>(finished.size()), 0.9, 0.1, 0);
    pending.state = TrialState::running;
    pending.value.reset();
    const std::vector<Trial> all_pending = {pending};
    return sampler.suggest({space, finished, all_pending, Direction::minimize, count, {}, finished.size() + 1});
  }

  void expect_same(const SuggestResult& found, const SuggestResult& right) const {
    ASSERT_EQ(found.suggestions.size(), right.suggestions.size());
    for (std::size_t i = 0; i < right.suggestions.size(); ++i) {
      EXPECT_EQ(found.suggestions[i].parameters, right.suggestions[i].parameters);
      EXPECT_EQ(found.suggestions[i].origin, right.suggestions[i].origin);
    }
    EXPECT_EQ(found.model.lengthscales, right.model.lengthscales);
    EXPECT_EQ(found.model.leave_one_out_r2, right.model.leave_one_out_r2);
  }
  void expect_told(const SuggestResult& result, const std::string& words) const {
    ASSERT_EQ(result.degraded.size(), 1U);
    EXPECT_NE(result.degraded[0].find(words), std::string::npos) << result.degraded[0];
    EXPECT_EQ(result.model.device, "cpu");
  }
};

TEST_F(GpFaults, WithoutAFaultTheDeviceAnswers) {
  const SuggestResult result = ask(*on_device(), history(10));
  EXPECT_EQ(result.model.device, "cuda:0");
  EXPECT_TRUE(result.degraded.empty());
  EXPECT_EQ(opened, 1);
  expect_same(result, ask(*on_cpu(), history(10)));
}

TEST_F(GpFaults, G5_WhyThereIsNoGpuIsSaidBesideTheAnswer) {
  const auto sampler = make_gp_sampler(options, small_recipe(), [](const Device&) {
    return backend::Opened{backend::make_cpu_backend(), "using the CPU: no NVIDIA driver is installed"};
  });
  const SuggestResult result = ask(*sampler, history(10));
  EXPECT_EQ(result.notice, "using the CPU: no NVIDIA driver is installed");
  EXPECT_TRUE(result.degraded.empty());
  EXPECT_EQ(result.model.device, "cpu");
}

// G6: each allocation of the first ask of a sampler, and of one that goes on from a model it has.
class GpEveryFault : public GpFaults, public ::testing::WithParamInterface<Kind> {};

TEST_P(GpEveryFault, G6_WhicheverAllocationFailsTheAskRunsOnTheCpu) {
  study(GetParam());
  const SuggestResult first = ask(*on_cpu(), history(10));
  const auto healthy = on_cpu();
  (void)ask(*healthy, history(10));
  const SuggestResult second = ask(*healthy, history(11)), third = ask(*healthy, history(12));
  for (const bool warm : {false, true}) {
    std::int64_t k = 0;
    for (bool met = true; met; ++k) {
      ASSERT_LT(k, 1000);
      const auto sampler = on_device();
      if (warm) {
        device->plan({});
        (void)ask(*sampler, history(10));
      }
      Faults faults;
      faults.failing_allocation = k;
      device->plan(faults);
      const SuggestResult result = ask(*sampler, history(warm ? 11 : 10));
      met = device->struck();
      expect_same(result, warm ? second : first);
      if (!met) break;
      expect_told(result, "out of memory (");
      EXPECT_EQ(device->held(), 0) << "allocation " << k;
      // The next ask tries the device again.
      device->plan({});
      const SuggestResult next = ask(*sampler, history(warm ? 12 : 11));
      EXPECT_EQ(next.model.device, "cuda:0");
      EXPECT_TRUE(next.degraded.empty());
      expect_same(next, warm ? third : second);
    }
    EXPECT_GT(k, 5);
  }
  EXPECT_EQ(device->held(), 0);
}

// G7: another process takes the memory in the middle of an ask and gives it back later.
TEST_F(GpFaults, G7_MemoryThatIsGoneForAWhile) {
  const auto sampler = on_device(), cpu = on_cpu();
  expect_same(ask(*sampler, history(10)), ask(*cpu, history(10)));
  Faults faults;
  faults.failing_allocation = 3;
  faults.all_later_allocations = true;
  device->plan(faults);
  for (int n = 11; n < 14; ++n) {
    const SuggestResult result = ask(*sampler, history(n));
    expect_told(result, "out of memory");
    expect_same(result, ask(*cpu, history(n)));
  }
  device->plan({});
  const SuggestResult result = ask(*sampler, history(14));
  EXPECT_EQ(result.model.device, "cuda:0");
  expect_same(result, ask(*cpu, history(14)));
}

// G8: the device is lost at any call. Every call of a first ask up to 200, then every 17th.
TEST_P(GpEveryFault, G8_AtWhicheverCallTheDeviceIsLostTheCpuGoesOn) {
  study(GetParam());
  const auto healthy = on_cpu();
  const SuggestResult first = ask(*healthy, history(10)), second = ask(*healthy, history(11));
  std::int64_t k = 0;
  for (;; k += k < 200 ? 1 : 17) {
    ASSERT_LT(k, 100000);
    opened = 0;
    const auto sampler = on_device();
    Faults faults;
    faults.lost_at_call = k;
    device->plan(faults);
    const SuggestResult result = ask(*sampler, history(10));
    expect_same(result, first);
    if (!device->struck()) break;
    expect_told(result, "is lost (");
    // Said once, and the device is left alone for ever.
    const SuggestResult next = ask(*sampler, history(11));
    EXPECT_TRUE(next.degraded.empty());
    EXPECT_EQ(next.model.device, "cpu");
    expect_same(next, second);
    EXPECT_EQ(device->traffic().calls_after_loss, 0) << "call " << k;
    EXPECT_EQ(opened, 1);
  }
  EXPECT_GT(k, 150);
  EXPECT_EQ(device->held(), 0);
}

INSTANTIATE_TEST_SUITE_P(Studies, GpEveryFault, ::testing::Values(Kind::plain, Kind::noisy, Kind::mixed));

TEST_F(GpFaults, G8_ADeviceLostInALaterAskAndAnotherSpace) {
  const auto sampler = on_device();
  (void)ask(*sampler, history(10));
  Faults faults;
  faults.lost_at_call = 20;
  device->plan(faults);
  expect_told(ask(*sampler, history(11)), "all later ones");
  study(Kind::mixed);
  const SuggestResult other = ask(*sampler, history(12));
  EXPECT_TRUE(other.degraded.empty()) << other.degraded[0];
  EXPECT_EQ(other.model.device, "cpu");
  EXPECT_EQ(device->traffic().calls_after_loss, 0);
}

// G9: a child forked after the device was opened gets its proposals from the CPU; the parent keeps the device.
TEST_F(GpFaults, G9_AForkedChildLeavesTheDeviceAlone) {
  const auto sampler = on_device();
  (void)ask(*sampler, history(10));
  device->plan({});
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const SuggestResult lost = ask(*sampler, history(11)), later = ask(*sampler, history(12));
    const bool right = lost.degraded.size() == 1 && lost.degraded[0].find("is lost (") != std::string::npos &&
                       later.degraded.empty() && later.model.device == "cpu" && device->traffic().calls_after_loss == 0;
    _exit(right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(ask(*sampler, history(11)).model.device, "cuda:0");
}

// G6: after a failed ask the device cannot even be opened again.
TEST_F(GpFaults, G6_G8_ADeviceThatCannotBeOpenedAgain) {
  for (const ErrorCode code : {ErrorCode::resource_exhausted, ErrorCode::unavailable}) {
    opened = 0;
    const auto sampler = make_gp_sampler(options, small_recipe(), [this, code](const Device&) {
      if (opened++ == 1) throw Error(code, "no more");
      return backend::Opened{device, {}};
    });
    Faults faults;
    faults.failing_allocation = 0;
    device->plan(faults);
    expect_told(ask(*sampler, history(10)), "out of memory");
    device->plan({});
    expect_told(ask(*sampler, history(11)), code == ErrorCode::unavailable ? "is lost (no more)" : "out of memory (no more)");
    EXPECT_EQ(ask(*sampler, history(12)).model.device, code == ErrorCode::unavailable ? "cpu" : "cuda:0");
  }
}

// A device that was asked for by name and is not there is the caller's business, and remains it.
TEST_F(GpFaults, G5_ADeviceThatIsNotThereIsAnError) {
  const auto sampler = make_gp_sampler(
      options, small_recipe(), [](const Device&) -> backend::Opened { throw Error(ErrorCode::unavailable, "no driver"); });
  for (int i = 0; i < 2; ++i) EXPECT_THROW((void)ask(*sampler, history(10)), Error);
}

// G6 on the CPU itself: quasi-random proposals, and the model again as soon as there is memory.
TEST_F(GpFaults, G6_ACpuWithoutMemoryProposesQuasiRandomPoints) {
  const auto cpu = std::make_shared<FaultBackend>(backend::make_cpu_backend(), "cpu");
  const auto sampler = make_gp_sampler(options, small_recipe(), [&](const Device&) { return backend::Opened{cpu, {}}; });
  Faults faults;
  faults.failing_allocation = 4;
  cpu->plan(faults);
  const SuggestResult result = ask(*sampler, history(10));
  ASSERT_EQ(result.suggestions.size(), 2U);
  EXPECT_EQ(result.suggestions[0].origin, "sobol");
  ASSERT_EQ(result.degraded.size(), 2U);
  EXPECT_NE(result.degraded[1].find("quasi-random"), std::string::npos);
  EXPECT_EQ(cpu->held(), 0);
  expect_same(ask(*sampler, history(11)), ask(*on_cpu(), history(11)));
}

class GpWrongNumbers : public GpFaults, public ::testing::WithParamInterface<Faults::Wrong> {};

// G3: one wrong factorization anywhere in an ask: the proposals are as good as any.
TEST_P(GpWrongNumbers, G3_OneWrongFactorizationAnywhere) {
  std::int64_t k = 0;
  for (bool met = true; met; ++k) {
    ASSERT_LT(k, 1000);
    Faults faults;
    faults.wrong_factorization = k;
    faults.wrong = GetParam();
    device->plan(faults);
    const SuggestResult result = ask(*on_device(), history(10));
    met = device->struck();
    ASSERT_EQ(result.suggestions.size(), 2U);
    for (const Suggestion& suggestion : result.suggestions) EXPECT_FALSE(space.check(suggestion.parameters));
    EXPECT_GT(result.model.leave_one_out_r2, 0.5);
    EXPECT_TRUE(std::isfinite(result.model.noise_variance));
    for (const auto& [name, lengthscale] : result.model.lengthscales) EXPECT_TRUE(std::isfinite(lengthscale)) << name;
    EXPECT_NE(result.suggestions[0].parameters, result.suggestions[1].parameters);
  }
  EXPECT_GT(k, 5);
}

// G3: no factorization is right any more: the CPU's answer, and the failures counted.
TEST_P(GpWrongNumbers, G3_WrongFactorizationsWithoutEndLeadToTheCpu) {
  const auto sampler = on_device(), cpu = on_cpu();
  expect_same(ask(*sampler, history(10)), ask(*cpu, history(10)));
  Faults faults;
  faults.wrong_factorization = 0;
  faults.all_later_factorizations = true;
  faults.wrong = GetParam();
  device->plan(faults);
  const SuggestResult result = ask(*sampler, history(11));
  expect_told(result, "no usable model");
  expect_same(result, ask(*cpu, history(11)));
  device->plan({});
  EXPECT_EQ(ask(*sampler, history(12)).model.device, "cuda:0");
}

INSTANTIATE_TEST_SUITE_P(Wrong, GpWrongNumbers,
                         ::testing::Values(Faults::Wrong::nan, Faults::Wrong::info, Faults::Wrong::absurd));

}  // namespace
}  // namespace warpbo::samplers
