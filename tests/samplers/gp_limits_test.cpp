// Limits of an ask: time, memory, number of observations; and searches that somebody else makes for it.
#include "backend/fault_backend.hpp"
#include "samplers/gp_sampler.hpp"
#include "samplers/shared_fit.hpp"

#include <warpbo/error.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <set>

namespace warpbo::samplers {
namespace {

using Clock = std::chrono::steady_clock;

Space box(int dimensions) {
  Space space;
  for (int k = 0; k < dimensions; ++k) space.real("x" + std::to_string(k), 0, 1);
  return space;
}

std::vector<Trial> history(const Space& space, int n) {
  std::vector<Trial> out;
  for (int i = 0; i < n; ++i) {
    Trial trial;
    trial.id = trial.number = i;
    double sum = 0;
    int k = 0;
    for (const ParameterSpec& spec : space.parameters()) {
      const double x = std::fmod(0.5 + std::sqrt(2.0 + 3 * k++) * (i + 1), 1);
      trial.parameters.set(spec.name, x);
      sum += (x - 0.4) * (x - 0.4) + 0.02 * std::sin(25 * x);
    }
    trial.state = TrialState::complete;
    trial.value = sum;
    out.push_back(std::move(trial));
  }
  return out;
}

SamplerOptions cpu_options(double max_seconds = 0) {
  SamplerOptions options{.kind = SamplerKind::gp};
  options.device = Device::cpu();
  options.max_seconds_per_ask = max_seconds;
  return options;
}

SuggestResult ask(Sampler& sampler, const Space& space, const std::vector<Trial>& trials, int count) {
  return sampler.suggest({space, trials, {}, Direction::minimize, count, {}, trials.size()});
}

bool mentions(const SuggestResult& result, std::string_view part) {
  for (const std::string& sentence : result.degraded)
    if (sentence.find(part) != std::string::npos) return true;
  return false;
}

TEST(GpLimits, ATimeLimitThatStrikesInTheMiddleIsCompletedQuasiRandomly) {
  const Space space = box(6);
  const std::vector<Trial> trials = history(space, 300);
  const auto limited = make_sampler(cpu_options(0.02)), free = make_sampler(cpu_options());
  const auto start = Clock::now();
  const SuggestResult result = ask(*limited, space, trials, 48);
  const double taken = std::chrono::duration<double>(Clock::now() - start).count();
  ASSERT_EQ(result.suggestions.size(), 48U);
  EXPECT_FALSE(result.exhausted);
  EXPECT_TRUE(mentions(result, "max_seconds_per_ask ended the search after "));
  std::set<std::string> points, origins;
  for (const Suggestion& suggestion : result.suggestions) {
    EXPECT_FALSE(space.check(suggestion.parameters));
    std::string text;
    for (const auto& [name, value] : suggestion.parameters) text += to_string(value) + ";";
    points.insert(text);
    origins.insert(suggestion.origin);
  }
  EXPECT_EQ(points.size(), 48U);
  EXPECT_EQ(result.suggestions.front().origin, "gp/qlogei") << "what was chosen stays";
  EXPECT_EQ(result.suggestions.back().origin, "sobol");
  EXPECT_LT(taken, 5) << "unlimited it takes some tenths of a second, here on a machine of unknown load";
  const SuggestResult whole = ask(*free, space, trials, 48);
  EXPECT_FALSE(mentions(whole, "max_seconds_per_ask"));
  EXPECT_EQ(whole.suggestions.back().origin, "gp/qlogei");
}

TEST(GpLimits, ALimitThatDoesNotStrikeChangesNothing) {
  const Space space = box(3);
  const std::vector<Trial> trials = history(space, 30);
  const SuggestResult with = ask(*make_sampler(cpu_options(600)), space, trials, 3);
  const SuggestResult without = ask(*make_sampler(cpu_options()), space, trials, 3);
  EXPECT_TRUE(with.degraded.empty());
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(with.suggestions[i].parameters, without.suggestions[i].parameters);
}

TEST(GpLimits, ALimitDoesNotInventPointsOfAFiniteSpace) {
  Space space;
  space.integer("i", 1, 6);
  space.integer("k", 1, 5);
  std::vector<Trial> trials;
  for (int i = 0; i < 12; ++i) {
    Trial trial;
    trial.id = trial.number = i;
    trial.parameters = Parameters{{"i", std::int64_t{1 + i % 6}}, {"k", std::int64_t{1 + i / 6}}};
    trial.state = TrialState::complete;
    trial.value = i % 5;
    trials.push_back(trial);
  }
  const SuggestResult result = ask(*make_sampler(cpu_options(1e-6)), space, trials, 25);
  EXPECT_EQ(result.suggestions.size(), 18U) << "what remains";
  EXPECT_TRUE(result.exhausted);
}

TEST(GpLimits, WrongLimitsAreRefused) {
  for (const double seconds : {-1.0, std::nan(""), 1e10}) {
    try {
      (void)make_sampler(cpu_options(seconds));
      ADD_FAILURE() << seconds;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_NE(std::string(error.what()).find("max_seconds_per_ask"), std::string::npos);
    }
  }
}

TEST(GpLimits, N16_MemoryIsEstimatedBeforeItIsTaken) {
  const Space space = box(2);
  const std::vector<Trial> trials = history(space, 200);
  const auto device = std::make_shared<backend::FaultBackend>(backend::make_cpu_backend(), "cpu");
  const auto sampler = make_gp_sampler(cpu_options(), GpRecipe{}, [&](const Device&) { return backend::Opened{device, {}}; });
  device->claim_memory(2 * 16 * 100 * 100);  // a factor of 100 observations is half of it
  const SuggestResult result = ask(*sampler, space, trials, 1);
  EXPECT_EQ(result.model.observations, 96) << "seven eighths of 100, and 8 of the latest block of 12";
  EXPECT_TRUE(mentions(result, "96 of 200 observations, the best and the latest: the factor of more would need"));
  device->claim_memory(0);
  EXPECT_EQ(ask(*sampler, space, trials, 1).model.observations, 200);
}

TEST(GpLimits, ReleasedMemoryComesBackAndNothingElseChanges) {
  const Space space = box(3);
  const auto kept = make_sampler(cpu_options()), released = make_sampler(cpu_options());
  EXPECT_EQ(released->kept_bytes(), 0U);
  released->release();
  for (int n = 30; n < 34; ++n) {
    const std::vector<Trial> trials = history(space, n);
    EXPECT_EQ(ask(*kept, space, trials, 2).suggestions[1].parameters,
              ask(*released, space, trials, 2).suggestions[1].parameters);
    EXPECT_GT(released->kept_bytes(), 1000U);
    released->release();
    EXPECT_EQ(released->kept_bytes(), 0U);
  }
}

/// A sampler whose factorizations are counted.
struct Counted {
  std::shared_ptr<backend::FaultBackend> device = std::make_shared<backend::FaultBackend>(backend::make_cpu_backend(), "cpu");
  std::unique_ptr<Sampler> sampler;
  explicit Counted(const SamplerOptions& options, bool automatic = false) {
    const BackendOpener open = [this](const Device&) { return backend::Opened{device, {}}; };
    sampler = automatic ? make_automatic_sampler(options, open) : make_gp_sampler(options, GpRecipe{}, open);
  }
  [[nodiscard]] SharedFit& shared() const { return dynamic_cast<SharedFit&>(*sampler); }
};

TEST(GpSharedFit, SearchesMadeByOthersAreNotMadeAgain) {
  const Space space = box(3);
  const std::vector<Trial> trials = history(space, 64);
  const SuggestRequest request{space, trials, {}, Direction::minimize, 1, {}, trials.size()};
  for (const bool automatic : {false, true}) {
    Counted alone(cpu_options(), automatic), helped(cpu_options(), automatic);
    int searches = 0;
    backend::Arena arena(backend::make_cpu_backend());
    while (auto search = helped.shared().next_search(request)) {
      ASSERT_LT(++searches, 5);
      const gp::FitTask task = search->task();
      helped.shared().accept_search(*search, gp::fit(arena, {&task, 1}).front());
    }
    EXPECT_EQ(searches, 2) << "a cold one at the anchor, then a refinement";
    EXPECT_EQ(helped.sampler->suggest(request).suggestions[0].parameters,
              alone.sampler->suggest(request).suggestions[0].parameters);
    const std::int64_t own = helped.device->traffic().factorizations, all = alone.device->traffic().factorizations;
    EXPECT_LE(own, automatic ? all : 2) << "the factor, and that of uncertain incumbents";
    EXPECT_GT(all - own, 10) << "a trust region beside the global model fits its own";
  }
}

TEST(GpSharedFit, SearchesForOtherDataAreMadeAnew) {
  const Space space = box(2);
  const std::vector<Trial> trials = history(space, 30), more = history(space, 31);
  Counted helped(cpu_options()), alone(cpu_options());
  const SuggestRequest before{space, trials, {}, Direction::minimize, 1, {}, trials.size()};
  auto search = helped.shared().next_search(before);
  ASSERT_TRUE(search);
  const gp::FitTask task = search->task();
  backend::Arena arena(backend::make_cpu_backend());
  helped.shared().accept_search(*search, gp::fit(arena, {&task, 1}).front());
  EXPECT_EQ(ask(*helped.sampler, space, more, 1).suggestions[0].parameters,
            ask(*alone.sampler, space, more, 1).suggestions[0].parameters);
}

TEST(GpSharedFit, WhatIsNotForABatchIsLeftToTheAsk) {
  const Space space = box(2);
  const auto due = [&](const SamplerOptions& options, const Space& where, int n, int count) {
    Counted counted(options);
    const std::vector<Trial> trials = history(where, n);
    return counted.shared().next_search({where, trials, {}, Direction::minimize, count, {}, trials.size()}).has_value();
  };
  EXPECT_TRUE(due(cpu_options(), space, 20, 1));
  EXPECT_FALSE(due(cpu_options(5), space, 20, 1)) << "it has a time limit of its own";
  EXPECT_FALSE(due(cpu_options(), space, 2, 1)) << "the initial design";
  EXPECT_FALSE(due(cpu_options(), space, 0, 1));
  EXPECT_FALSE(due(cpu_options(), space, 300, 1)) << "too large";
  Space constant;
  constant.constant("version", std::int64_t{3});
  EXPECT_FALSE(due(cpu_options(), constant, 0, 1));
}

}  // namespace
}  // namespace warpbo::samplers
