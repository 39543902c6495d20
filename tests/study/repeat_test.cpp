/// The same seed gives the same run, also when it is interrupted.
#include "study/fakes.hpp"

#include <optional>

namespace warpbo::testing {
namespace {

double objective(const Trial& trial) {
  const double x = trial.get<double>("x");
  const double k = trial.get<double>("k");
  return (x - 0.3) * (x - 0.3) + 0.01 * (k - 7) * (k - 7) + (trial.get<std::string>("c") == "a" ? 0.1 : 0.0);
}

void step(Study& study, int i) {
  if (i % 5 == 4) {
    const std::vector<Trial> trials = study.ask(3);
    study.tell(trials[2], objective(trials[2]));
    study.fail(trials[0], "on purpose");
    study.tell(trials[1], objective(trials[1]));
  } else {
    const Trial trial = study.ask();
    study.tell(trial, objective(trial));
  }
}

class StudyRepeat : public ::testing::TestWithParam<SamplerKind> {};

TEST_P(StudyRepeat, TheSameSeedGivesTheSameTrials) {
  const auto run = [](std::uint64_t seed) {
    Study study = new_study(mixed_space(), options_with(GetParam(), seed));
    for (int i = 0; i < 15; ++i) step(study, i);
    return study.history();
  };
  const std::vector<Trial> one = run(1);
  const std::vector<Trial> two = run(1);
  const std::vector<Trial> three = run(2);
  ASSERT_EQ(one.size(), two.size());
  int equal = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].parameters, two[i].parameters) << "trial " << i;
    EXPECT_EQ(one[i].value, two[i].value);
    EXPECT_EQ(one[i].attributes, two[i].attributes);
    equal += one[i].parameters == three[i].parameters ? 1 : 0;
  }
  EXPECT_LT(equal, 5) << "another seed gives other trials";
}

TEST_P(StudyRepeat, AResumedStudyGoesOnAsIfNothingHadHappened) {
  const TemporaryDirectory directory;
  Study whole = new_study(mixed_space(), options_with(GetParam(), 9));
  std::optional<Study> part = Study::create("s", mixed_space(), options_with(GetParam(), 9), directory.store());
  for (int i = 0; i < 14; ++i) {
    if (i % 3 == 2) {
      part.reset();
      part = Study::open("s", options_with(GetParam(), 9), directory.store());
    }
    step(whole, i);
    step(*part, i);
  }
  const std::vector<Trial> expected = whole.history();
  const std::vector<Trial> found = part->history();
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(expected[i].parameters, found[i].parameters) << "trial " << i;
}

INSTANTIATE_TEST_SUITE_P(Samplers, StudyRepeat,
                         ::testing::Values(SamplerKind::sobol, SamplerKind::random, SamplerKind::differential_evolution,
                                           SamplerKind::gp, SamplerKind::trust_region, SamplerKind::automatic),
                         [](const auto& chosen) {
                           switch (chosen.param) {
                             case SamplerKind::sobol:
                               return "sobol";
                             case SamplerKind::random:
                               return "random";
                             case SamplerKind::differential_evolution:
                               return "de";
                             case SamplerKind::gp:
                               return "gp";
                             case SamplerKind::trust_region:
                               return "trust";
                             default:
                               return "automatic";
                           }
                         });

}  // namespace
}  // namespace warpbo::testing
