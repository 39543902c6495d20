/// A study without storage: keeps trials and asks a sampler the way `Study` does.
#pragma once

#include <warpbo/sampler.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace warpbo::samplers {

class SimulatedStudy {
 public:
  explicit SimulatedStudy(Space space, Direction direction = Direction::minimize)
      : space_(std::move(space)), direction_(direction) {}

  [[nodiscard]] SuggestRequest request(int count, const Parameters& fixed = {}) const {
    return {space_, finished_, pending_, direction_, count, fixed, draw_};
  }

  /// Asks and keeps the proposals as running trials.
  std::vector<Trial> ask(Sampler& sampler, int count = 1, const Parameters& fixed = {}) {
    last_ = sampler.suggest(request(count, fixed));
    std::vector<Trial> trials;
    for (const Suggestion& suggestion : last_.suggestions) {
      Trial trial;
      trial.id = static_cast<std::int64_t>(draw_) + 1;
      trial.number = static_cast<std::int64_t>(draw_++);
      trial.parameters = suggestion.parameters;
      trial.attributes["warpbo:origin"] = "\"" + suggestion.origin + "\"";
      pending_.push_back(trial);
      trials.push_back(trial);
    }
    return trials;
  }

  void tell(const Trial& trial, double value) { finish(trial.number, TrialState::complete, value); }
  void fail(const Trial& trial) { finish(trial.number, TrialState::failed, std::nullopt); }

  /// Asks, evaluates and tells until `trials` are finished, `batch` at a time. Returns the best value.
  double run(Sampler& sampler, const std::function<double(const Parameters&)>& function, int trials, int batch = 1) {
    const double sign = direction_ == Direction::minimize ? 1 : -1;
    while (static_cast<int>(finished_.size()) < trials) {
      const auto asked = ask(sampler, std::min(batch, trials - static_cast<int>(finished_.size())));
      if (asked.empty()) break;
      for (const Trial& trial : asked) tell(trial, sign * function(trial.parameters));
    }
    return best();
  }

  /// The best value so far, as a minimization would count it.
  [[nodiscard]] double best() const {
    double best = std::numeric_limits<double>::infinity();
    for (const Trial& trial : finished_) {
      if (trial.value) best = std::min(best, direction_ == Direction::minimize ? *trial.value : -*trial.value);
    }
    return best;
  }

  [[nodiscard]] const Space& space() const { return space_; }
  [[nodiscard]] const std::vector<Trial>& finished() const { return finished_; }
  [[nodiscard]] const std::vector<Trial>& pending() const { return pending_; }
  [[nodiscard]] const SuggestResult& last() const { return last_; }

 private:
  void finish(std::int64_t number, TrialState state, std::optional<double> value) {
    const auto found = std::ranges::find(pending_, number, &Trial::number);
    Trial trial = *found;
    pending_.erase(found);
    trial.state = state;
    trial.value = value;
    finished_.insert(std::ranges::upper_bound(finished_, number, {}, &Trial::number), std::move(trial));
  }

  Space space_;
  Direction direction_;
  std::vector<Trial> finished_, pending_;
  std::uint64_t draw_ = 0;
  SuggestResult last_;
};

}  // namespace warpbo::samplers
