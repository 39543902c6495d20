/// Studies with thousands of trials, told or pending.
#include "study/fakes.hpp"

#include <chrono>
#include <fstream>
#include <set>

namespace warpbo::testing {
namespace {

/// The resident size of this process, in bytes.
double resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return 1024.0 * std::stod(line.substr(6));
  }
  return 0;
}

Space box(int dimensions) {
  Space space;
  for (int k = 0; k < dimensions; ++k) space.real("x" + std::to_string(k), 0.0, 1.0);
  return space;
}

double bowl(const Trial& trial) {
  double sum = 0;
  for (const auto& [name, value] : trial.parameters) sum += (std::get<double>(value) - 0.4) * (std::get<double>(value) - 0.4);
  return sum;
}

/// A study, and running trials at random points of it.
struct World {
  std::shared_ptr<Storage> store = open_storage("memory:");
  Study study;
  Study filler;

  explicit World(int dimensions)
      : study(Study::create("s", box(dimensions), gp(), store)),
        filler(Study::open("s", options_with(SamplerKind::random, 3), store)) {}
  static StudyOptions gp() {
    StudyOptions options = options_with(SamplerKind::gp);
    options.sampler.device = Device::cpu();
    return options;
  }
  void tell(int count) {
    std::vector<Study::Result> results;
    for (const Trial& trial : filler.ask(count)) results.push_back({trial.number, bowl(trial)});
    filler.tell(results);
  }
};

TEST(LargeStudy, G4_TenThousandPendingTrials) {
  World world(3);
  world.tell(40);
  (void)world.filler.ask(10000);
  const double before = resident_bytes();
  std::set<std::string> points;
  for (const int count : {1, 3}) {
    for (const Trial& trial : world.study.ask(count)) {
      points.insert(to_string(trial.parameters.at("x0")));
      EXPECT_TRUE(mentions(trial.attributes.at("warpbo:degraded"), "only the latest 512 pending trials are modelled"));
      EXPECT_TRUE(mentions(trial.attributes.at("warpbo:origin"), "gp/qlogei"));
    }
  }
  EXPECT_EQ(points.size(), 4U);
  EXPECT_EQ(world.study.count(TrialState::running), 10004);
  EXPECT_LT(resident_bytes() - before, 600e6);
}

TEST(LargeStudy, N16_FiveThousandResultsExactlyAndMoreWithNoticeSlow) {
  World world(8);
  world.tell(4990);
  (void)world.study.ask();
  EXPECT_EQ(world.study.model().observations, 4990);
  world.tell(10);
  const Trial exact = world.study.ask();
  EXPECT_EQ(world.study.model().observations, 5000) << "the factor is extended";
  EXPECT_FALSE(exact.attributes.contains("warpbo:degraded") &&
               mentions(exact.attributes.at("warpbo:degraded"), "observations"));
  world.tell(1);
  const Trial cut = world.study.ask();
  EXPECT_EQ(world.study.model().observations, 4376) << "seven eighths of 5000, and the latest";
  EXPECT_TRUE(mentions(cut.attributes.at("warpbo:degraded"), "4376 of 5001 observations"));
}

TEST(LargeStudy, ATimeLimitBoundsWhatTheModelTakes) {
  World world(4);
  world.tell(3000);
  StudyOptions limited = World::gp();
  limited.sampler.max_seconds_per_ask = 0.02;
  Study study = Study::open("s", limited, world.store);
  const Trial trial = study.ask();
  EXPECT_LT(study.model().observations, 3000);
  // At least 500 are always affordable; the model then has seven eighths of them and the latest up to a whole eighth.
  EXPECT_GE(study.model().observations, 437);
  EXPECT_TRUE(mentions(trial.attributes.at("warpbo:degraded"), "the factor of more would not fit into max_seconds_per_ask"));
  EXPECT_TRUE(mentions(trial.attributes.at("warpbo:origin"), "gp/"));
}

}  // namespace
}  // namespace warpbo::testing
