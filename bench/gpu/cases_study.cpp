/// Whole asks through the public C++ interface.
#include "gpu/case.hpp"

#include <warpbo/study.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace warpbo::bench {

namespace {

constexpr int kDimensions = 10;

/// A bowl with ripples, so that the model has something to learn and something to get wrong.
double objective(const Trial& trial) {
  double sum = 0;
  int i = 0;
  for (const auto& [name, value] : trial.parameters) {
    const double offset = std::get<double>(value) - 0.2 - 0.6 * std::fmod(0.618 * ++i, 1.0);
    sum += offset * offset + 0.02 * std::sin(25 * offset);
  }
  return sum;
}

/// A study over the unit cube with `told` results at random points. A notice, such as that the device was given up, counts as a
/// failure: the time would not be the device's.
struct Asked {
  std::string notice;
  Study study;

  Asked(const Run& run, int told) : study(Study::create("bench", box(), options(run.engine))) {
    if (told == 0) return;
    StudyOptions quick = options("cpu");
    quick.sampler.kind = SamplerKind::random;
    auto filler = Study::open("bench", quick, std::shared_ptr<Storage>(&study.storage(), [](Storage*) {}));
    std::vector<Study::Result> results;
    for (const Trial& trial : filler.ask(told)) results.push_back({trial.number, objective(trial)});
    filler.tell(results);
  }
  /// Throws if the last ask was not answered by a model on the engine that is measured.
  void expect_engine(const std::string& engine) const {
    if (study.model().device != engine)
      throw std::runtime_error("the model ran on '" + study.model().device +
                               "': " + (notice.empty() ? "no reason given" : notice));
  }

 private:
  static Space box() {
    Space space;
    for (int i = 0; i < kDimensions; ++i) space.real("x" + std::to_string(i), 0.0, 1.0);
    return space;
  }
  StudyOptions options(const std::string& engine) {
    StudyOptions out;
    out.sampler.kind = SamplerKind::gp;
    out.sampler.seed = 1;
    out.sampler.device = Device::parse(engine);
    out.on_notice = [this](std::string_view text) { notice = text; };
    return out;
  }
};

/// Asks of one trial, each told before the next. The first, which fits from nothing, is noted beside.
void ask_one(Run& run, int told) {
  Asked asked(run, told);
  double best = INFINITY;
  const auto once = [&] {
    const double start = now();
    const Trial trial = asked.study.ask();
    const double seconds = now() - start;
    best = std::min(best, objective(trial));
    asked.study.tell(trial, objective(trial));
    return seconds;
  };
  run.record.set("first", once());
  asked.expect_engine(run.engine);
  run.timing(measure_each(run.limits, once));
  asked.expect_engine(run.engine);
  run.record.set("value", best);
}

void ask_batch(Run& run, int told, int count) {
  Asked asked(run, told);
  const auto once = [&] {
    const double start = now();
    const std::vector<Trial> trials = asked.study.ask(count);
    const double seconds = now() - start;
    // Told as failed at once, so that the next ask sees as many results and nothing pending.
    for (const Trial& trial : trials) asked.study.fail(trial, "only a measurement");
    return seconds;
  };
  run.record.set("first", once());
  run.timing(measure_each(run.limits, once));
  asked.expect_engine(run.engine);
}

void loop(Run& run, int trials) {
  Asked asked(run, 0);
  std::vector<double> asks;
  double spent = 0;
  for (int i = 0; i < trials; ++i) {
    const double start = now();
    const Trial trial = asked.study.ask();
    asks.push_back(now() - start);
    const double value = objective(trial), told = now();
    asked.study.tell(trial, value);
    spent += asks.back() + now() - told;
  }
  asked.expect_engine(run.engine);
  std::sort(asks.begin(), asks.end());
  run.timing({asks[asks.size() / 2], asks.front(), asks[asks.size() / 2], trials, 1});
  run.record.set("total", spent);
  run.record.set("slowest", asks.back());
  run.record.set("value", *asked.study.best().value);
}

}  // namespace

void add_study_cases(Cases& cases) {
  for (const int n : {200, 1000})
    cases.push_back({"ask/n=" + std::to_string(n) + "/q=1", 1e9, n == 200, [n](Run& run) { ask_one(run, n); }});
  for (const int n : {200, 1000})
    cases.push_back({"ask/n=" + std::to_string(n) + "/q=16", 4e9, n == 200, [n](Run& run) { ask_batch(run, n, 16); }});
  cases.push_back({"ask_tell_loop/trials=200", 4e9, true, [](Run& run) { loop(run, 200); }});
}

}  // namespace warpbo::bench
