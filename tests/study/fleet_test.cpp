/// Many studies at once: the same proposals as alone, errors as values, bounded memory.
#include "study/fakes.hpp"

#include <warpbo/fleet.hpp>

#include <atomic>
#include <cmath>
#include <set>
#include <thread>

namespace warpbo::testing {
namespace {

double bowl(const Trial& trial) {
  double sum = 0;
  int i = 0;
  for (const auto& [name, value] : trial.parameters) {
    const double x = std::holds_alternative<double>(value) ? std::get<double>(value)
                     : std::holds_alternative<std::int64_t>(value)
                         ? 0.1 * static_cast<double>(std::get<std::int64_t>(value))
                         : static_cast<double>(std::get<std::string>(value).size() % 2);
    ++i;
    sum += (x - 0.1 * i) * (x - 0.1 * i) + 0.05 * std::sin(9 * x);
  }
  return sum;
}

Space box(int dimensions) {
  Space space;
  for (int i = 0; i < dimensions; ++i) space.real("x" + std::to_string(i), 0.0, 1.0);
  return space;
}

/// Studies that differ in everything that may differ: space, seed, size, noise.
Fleet::StudyToOpen member(int i) {
  Fleet::StudyToOpen out;
  out.name = "s" + std::to_string(i);
  out.space = i % 4 == 3 ? mixed_space() : box(1 + i % 3);
  out.options.sampler.seed = static_cast<std::uint64_t>(i);
  out.options.sampler.device = Device::cpu();
  out.options.sampler.kind = i % 5 == 4 ? SamplerKind::sobol : SamplerKind::automatic;
  out.options.sampler.noise = i % 3 == 2 ? Noise::noisy : Noise::infer;
  if (i % 6 == 5) out.options.direction = Direction::maximize;
  return out;
}

/// How many trials a study has before the first ask that is compared.
int size_of(int i) { return std::vector<int>{0, 3, 8, 15, 16, 30, 47, 60}[static_cast<std::size_t>(i) % 8]; }

void fill(Study& study, int count) {
  for (int i = 0; i < count; ++i) {
    Parameters point;
    int k = 0;
    for (const ParameterSpec& spec : study.space().parameters()) {
      const double u = std::fmod(0.37 + 0.7548776662 * (i + 1) * ++k, 1.0);
      if (spec.name == "k")
        point.set("k", static_cast<std::int64_t>(11 * u));
      else if (spec.name == "c")
        point.set("c", std::string("b"));
      else if (spec.name != "m")
        point.set(spec.name, u);
    }
    Trial trial;
    trial.parameters = point;
    if (i % 11 == 7) trial.value = NAN;
    (void)study.add(point, trial.value ? *trial.value : bowl(trial));
  }
}

std::string point_of(const Trial& trial) {
  std::string out;
  for (const auto& [name, value] : trial.parameters) out += name + "=" + to_string(value) + ";";
  return out + trial.attributes.at("warpbo:origin");
}

class FleetSame : public ::testing::TestWithParam<std::size_t> {};

TEST_P(FleetSame, ProposalsAreThoseOfTheStudiesAlone) {
  constexpr int kStudies = 24;
  FleetOptions options;
  options.model_bytes = GetParam();
  Fleet fleet(options);
  std::vector<Fleet::StudyToOpen> wanted;
  for (int i = 0; i < kStudies; ++i) wanted.push_back(member(i));
  const std::vector<Fleet::Opened> opened = fleet.open(wanted);
  std::vector<Study> alone;
  std::vector<Fleet::Ask> asks;
  for (int i = 0; i < kStudies; ++i) {
    ASSERT_FALSE(opened[static_cast<std::size_t>(i)].error);
    const Fleet::Id id = opened[static_cast<std::size_t>(i)].study;
    alone.push_back(Study::create(wanted[static_cast<std::size_t>(i)].name, wanted[static_cast<std::size_t>(i)].space,
                                  wanted[static_cast<std::size_t>(i)].options, "memory:"));
    fill(*fleet.study(id), size_of(i));
    fill(alone.back(), size_of(i));
    asks.push_back({id, {}});
    asks.back().options.count = 1 + i % 3;
  }
  int modelled = 0;
  for (int round = 0; round < 3; ++round) {
    std::vector<Fleet::Tell> tells;
    const std::vector<Fleet::Asked> answers = fleet.ask(asks);
    ASSERT_EQ(answers.size(), asks.size());
    EXPECT_LE(fleet.model_bytes(), GetParam());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      SCOPED_TRACE("study " + std::to_string(i) + ", round " + std::to_string(round));
      ASSERT_FALSE(answers[i].error) << answers[i].error->what();
      EXPECT_EQ(answers[i].study, asks[i].study);
      const std::vector<Trial> right = alone[i].ask(asks[i].options);
      ASSERT_EQ(answers[i].trials.size(), right.size());
      Fleet::Tell& tell = tells.emplace_back();
      tell.study = asks[i].study;
      for (std::size_t k = 0; k < right.size(); ++k) {
        const Trial& trial = answers[i].trials[k];
        EXPECT_EQ(trial.number, right[k].number);
        EXPECT_EQ(trial.parameters, right[k].parameters) << point_of(trial) << " " << point_of(right[k]);
        EXPECT_EQ(trial.attributes, right[k].attributes);
        modelled += point_of(trial).find("gp/") != std::string::npos ? 1 : 0;
        if (k == 2) {
          tell.failures.push_back({trial.number, "every third"});
          alone[i].fail(right[k], "every third");
        } else {
          tell.results.push_back({trial.number, bowl(trial)});
          alone[i].tell(right[k], bowl(right[k]));
        }
      }
    }
    for (const Fleet::Told& told : fleet.tell(tells)) EXPECT_FALSE(told.error);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      EXPECT_EQ(fleet.study(asks[i].study)->count(TrialState::complete), alone[i].count(TrialState::complete));
      EXPECT_EQ(fleet.study(asks[i].study)->count(TrialState::failed), alone[i].count(TrialState::failed));
    }
  }
  EXPECT_GT(modelled, 60) << "most proposals come from a model";
}

INSTANTIATE_TEST_SUITE_P(Memory, FleetSame, ::testing::Values(std::size_t{1} << 40, std::size_t{8} << 20, std::size_t{0}),
                         [](const auto& chosen) {
                           return chosen.param == 0 ? "none" : chosen.param > (std::size_t{1} << 30) ? "all" : "some";
                         });

TEST(Fleet, OneStoreServesAll) {
  const TemporaryDirectory directory;
  const std::shared_ptr<Storage> store = open_storage(directory.store());
  Fleet fleet;
  std::vector<Fleet::StudyToOpen> wanted;
  for (int i = 0; i < 30; ++i) wanted.push_back({"s" + std::to_string(i), box(2), options_with(SamplerKind::sobol), store});
  wanted.push_back({"s7", box(2), {}, store, Fleet::Open::create});  // after the first of this name
  wanted.push_back({"nowhere", {}, {}, store, Fleet::Open::open});
  wanted.push_back({"s1", box(3), {}, store});
  std::vector<Fleet::Ask> asks;
  int conflicts = 0;
  const std::vector<Fleet::Opened> opened = fleet.open(wanted);
  for (std::size_t i = 0; i < opened.size(); ++i) {
    if (opened[i].error) {
      EXPECT_EQ(opened[i].study, -1);
      conflicts += opened[i].error->code() == ErrorCode::conflict ? 1 : 0;
    } else {
      asks.push_back({opened[i].study, {}});
    }
  }
  ASSERT_TRUE(opened[31].error);
  EXPECT_EQ(opened[31].error->code(), ErrorCode::not_found);
  EXPECT_EQ(conflicts, 2);
  EXPECT_EQ(fleet.size(), 30U);
  for (const Fleet::Asked& asked : fleet.ask(asks)) EXPECT_FALSE(asked.error);
  EXPECT_EQ(Study::open("s3", {}, store).count(TrialState::running), 1) << "durable, and seen by others";
}

TEST(Fleet, AStudyThatOccursTwiceIsAskedInOrder) {
  Fleet fleet;
  const Fleet::Id one = fleet.open({"a", box(2), options_with(SamplerKind::sobol), nullptr});
  const Fleet::Id two = fleet.open({"b", box(2), options_with(SamplerKind::sobol), nullptr});
  AskOptions pair;
  pair.count = 2;
  const std::vector<Fleet::Ask> asks{{one, {}}, {two, pair}, {one, pair}, {99, {}}, {one, {}}};
  const std::vector<Fleet::Asked> answers = fleet.ask(asks);
  EXPECT_EQ(answers[0].trials.front().number, 0);
  EXPECT_EQ(answers[2].trials.front().number, 1);
  EXPECT_EQ(answers[4].trials.front().number, 3);
  EXPECT_EQ(answers[1].trials.size(), 2U);
  ASSERT_TRUE(answers[3].error);
  EXPECT_EQ(answers[3].error->code(), ErrorCode::not_found);
  EXPECT_TRUE(mentions(answers[3].error->what(), "99"));
}

TEST(Fleet, AClosedStudyIsGoneAndItsTrialsAreNot) {
  const std::shared_ptr<Storage> store = open_storage("memory:");
  Fleet fleet;
  const Fleet::Id id = fleet.open({"a", box(2), {}, store});
  const std::shared_ptr<Study> kept = fleet.study(id);
  (void)fleet.ask(std::vector<Fleet::Ask>{{id, {}}});
  EXPECT_TRUE(fleet.close(id));
  EXPECT_FALSE(fleet.close(id));
  EXPECT_EQ(fleet.size(), 0U);
  error_text(ErrorCode::not_found, [&] { (void)fleet.study(id); });
  EXPECT_EQ(fleet.ask(std::vector<Fleet::Ask>{{id, {}}}).front().error->code(), ErrorCode::not_found);
  EXPECT_EQ(fleet.tell(std::vector<Fleet::Tell>{{id, {{0, 1.0}}}}).front().error->code(), ErrorCode::not_found);
  EXPECT_EQ(kept->count(), 1) << "whoever holds it may go on";
  const Fleet::Id again = fleet.open({"a", box(2), {}, store});
  EXPECT_NE(again, id);
  EXPECT_EQ(fleet.study(again)->count(), 1);
}

TEST(Fleet, NothingAskedAndNothingTold) {
  Fleet fleet;
  EXPECT_TRUE(fleet.ask({}).empty());
  EXPECT_TRUE(fleet.tell({}).empty());
  EXPECT_TRUE(fleet.open(std::span<const Fleet::StudyToOpen>{}).empty());
  Fleet moved = std::move(fleet);
  EXPECT_EQ(moved.size(), 0U);
  FleetOptions bad;
  bad.threads = -1;
  error_text(ErrorCode::invalid_argument, [&] { const Fleet refused(bad); });
}

TEST(Fleet, S9_S10_FiniteSpacesGiveWhatRemains) {
  for (const SamplerKind kind : {SamplerKind::automatic, SamplerKind::sobol}) {
    Fleet fleet;
    Space single;
    single.constant("version", std::int64_t{3});
    std::vector<Fleet::Ask> asks;
    for (int i = 0; i < 3; ++i) asks.push_back({fleet.open({"f", finite_space(), options_with(kind), nullptr}), {}});
    asks.push_back({fleet.open({"g", single, options_with(kind), nullptr}), {}});
    for (Fleet::Ask& ask : asks) ask.options.count = 8;
    std::vector<Fleet::Asked> answers = fleet.ask(asks);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(answers[i].trials.size(), 8U);
    EXPECT_EQ(answers[3].trials.size(), 1U);
    std::vector<Fleet::Tell> tells;
    for (const Fleet::Asked& asked : answers)
      for (const Trial& trial : asked.trials)
        tells.push_back({asked.study, {{trial.number, static_cast<double>(trial.number % 5)}}});
    for (const Fleet::Told& told : fleet.tell(tells)) EXPECT_FALSE(told.error);
    answers = fleet.ask(asks);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(answers[i].trials.size(), 4U);
    ASSERT_TRUE(answers[3].error);
    EXPECT_EQ(answers[3].error->code(), ErrorCode::exhausted);
    for (const Fleet::Asked& asked : fleet.ask(asks)) EXPECT_EQ(asked.error->code(), ErrorCode::exhausted);
  }
}

TEST(Fleet, TellsFailWhereTheyAreWrongAndNowhereElse) {
  Fleet fleet;
  std::vector<Fleet::Ask> asks;
  for (int i = 0; i < 3; ++i) {
    asks.push_back({fleet.open({"s", box(2), options_with(SamplerKind::sobol), nullptr}), {}});
    asks.back().options.count = 3;
  }
  (void)fleet.ask(asks);
  const std::vector<Fleet::Tell> tells{{asks[0].study, {{0, 1.0}, {1, 2.0}}, {{2, "crashed"}}},
                                       {asks[1].study, {{7, 1.0}}, {{1, "crashed"}}},
                                       {asks[2].study, {{0, -INFINITY}}},
                                       {asks[0].study, {{0, 5.0}}},
                                       {asks[2].study, {{0, 3.0}, {1, NAN}}}};
  const std::vector<Fleet::Told> told = fleet.tell(tells);
  EXPECT_FALSE(told[0].error);
  EXPECT_EQ(told[1].error->code(), ErrorCode::not_found);
  EXPECT_EQ(told[2].error->code(), ErrorCode::invalid_argument);
  EXPECT_EQ(told[3].error->code(), ErrorCode::already_finished);
  EXPECT_FALSE(told[4].error);
  EXPECT_EQ(fleet.study(asks[0].study)->best().value, 1.0);
  EXPECT_EQ(fleet.study(asks[1].study)->count(TrialState::failed), 1) << "the failure beside a wrong result is recorded";
  EXPECT_EQ(fleet.study(asks[2].study)->count(TrialState::complete), 1);
}

TEST(Fleet, AnswersAreDeliveredAsTheyCome) {
  Fleet fleet;
  std::vector<Fleet::Ask> asks;
  for (int i = 0; i < 20; ++i) asks.push_back({fleet.open({"s", box(2), options_with(SamplerKind::sobol), nullptr}), {}});
  asks.push_back({fleet.open({"t", box(2), options_with([](const SuggestRequest&) -> SuggestResult {
                                throw Error(ErrorCode::unavailable, "no licence");
                              }),
                              nullptr}),
                  {}});
  std::mutex mutex;
  std::set<Fleet::Id> seen;
  int errors = 0;
  Fleet::AskSettings settings;
  settings.on_answer = [&](const Fleet::Asked& asked) {
    const std::lock_guard lock(mutex);
    seen.insert(asked.study);
    errors += asked.error ? 1 : 0;
    throw std::runtime_error("the receiver is broken");
  };
  EXPECT_EQ(fleet.ask(asks, settings).size(), 21U);
  EXPECT_EQ(seen.size(), 21U);
  EXPECT_EQ(errors, 1);
}

TEST(Fleet, ManyThreadsUseOneFleet) {
  Fleet fleet;
  std::vector<Fleet::Ask> asks;
  for (int i = 0; i < 6; ++i) {
    Fleet::StudyToOpen wanted = member(i);
    wanted.options.sampler.noise = Noise::infer;  // no point twice
    asks.push_back({fleet.open(wanted), {}});
  }
  std::atomic<int> told = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 6; ++round) {
        std::vector<Fleet::Tell> tells;
        for (const Fleet::Asked& asked : fleet.ask(asks)) {
          ASSERT_FALSE(asked.error) << asked.error->what();
          for (const Trial& trial : asked.trials) tells.push_back({asked.study, {{trial.number, bowl(trial)}}});
        }
        for (const Fleet::Told& one : fleet.tell(tells)) told += one.error ? 0 : 1;
        const Fleet::Id own = fleet.open(member(10 + t));
        (void)fleet.study(own)->ask();
        EXPECT_TRUE(fleet.close(own));
        (void)fleet.studies();
        (void)fleet.model_bytes();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told, 4 * 6 * 6);
  for (const Fleet::Ask& ask : asks) {
    const std::vector<Trial> trials = fleet.study(ask.study)->history();
    std::set<std::string> points;
    for (const Trial& trial : trials) points.insert(point_of(trial));
    EXPECT_EQ(trials.size(), 24U);
    EXPECT_EQ(points.size(), 24U);
  }
}

}  // namespace
}  // namespace warpbo::testing
