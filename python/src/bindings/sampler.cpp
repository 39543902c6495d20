/// Sampler options, and the strategies by themselves for those who keep their trials elsewhere (Optuna).
#include "bindings.hpp"

#include <algorithm>
#include <mutex>

namespace warpbo::python {

namespace {

Noise to_noise(const std::string& text) {
  if (text == "infer") return Noise::infer;
  if (text == "deterministic") return Noise::deterministic;
  if (text == "noisy") return Noise::noisy;
  throw Error(ErrorCode::invalid_argument, "noise is '" + text + "'; it must be 'infer', 'deterministic' or 'noisy'");
}

TrialState to_state(const std::string& text) {
  for (const TrialState state :
       {TrialState::running, TrialState::complete, TrialState::pruned, TrialState::failed, TrialState::waiting})
    if (text == to_string(state)) return state;
  throw Error(ErrorCode::internal, "unknown state '" + text + "'");
}

SamplerOptions make_options(const std::string& kind, std::uint64_t seed, const std::string& noise, const std::string& device,
                            const std::string& acquisition, double ucb_coefficient, int trust_regions, int initial_trials,
                            int grid_points, double max_seconds_per_ask) {
  SamplerOptions options;
  options.kind = parse_sampler_kind(kind);
  options.seed = seed;
  options.noise = to_noise(noise);
  options.device = Device::parse(device);
  options.acquisition = parse_acquisition(acquisition);
  options.ucb_coefficient = ucb_coefficient;
  options.trust_regions = trust_regions;
  options.initial_trials = initial_trials;
  options.grid_points = grid_points;
  options.max_seconds_per_ask = max_seconds_per_ask;
  return options;
}

/// Trials by number.
struct TrialLog {
  std::vector<Trial> trials;

  void put(std::int64_t number, const std::string& state, const ParameterDict& values, std::optional<double> value) {
    Trial trial;
    trial.number = number;
    trial.state = to_state(state);
    trial.parameters = to_parameters(values, "params");
    trial.value = value;
    const auto at = std::lower_bound(trials.begin(), trials.end(), number,
                                     [](const Trial& left, std::int64_t right) { return left.number < right; });
    if (at != trials.end() && at->number == number)
      *at = std::move(trial);
    else
      trials.insert(at, std::move(trial));
  }
};

/// A strategy; calls take turns.
class LockedSampler {
 public:
  explicit LockedSampler(const SamplerOptions& options) : sampler_(make_sampler(options)) {}

  /// (proposals as dicts, what a person should know, model).
  Row suggest(const Space& space, const TrialLog& finished, const TrialLog& pending, const std::string& direction, int count,
              const ParameterDict& fixed, std::uint64_t draw) {
    SuggestRequest request{
        space, finished.trials, pending.trials, to_direction(direction), count, to_parameters(fixed, "fixed"), draw};
    SuggestResult result;
    {
      const nb::gil_scoped_release released;
      const std::lock_guard lock(mutex_);
      result = sampler_->suggest(request);
    }
    nb::list proposals;
    for (const Suggestion& suggestion : result.suggestions) proposals.append(from_parameters(suggestion.parameters));
    std::vector<std::string> notices = std::move(result.degraded);
    if (!result.notice.empty()) notices.push_back(std::move(result.notice));
    return nb::borrow<Row>(nb::make_tuple(proposals, notices, from_model(result.model)));
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<Sampler> sampler_;
};

}  // namespace

void bind_sampler(nb::module_& m) {
  nb::class_<SamplerOptions>(m, "SamplerOptions")
      .def_static("make", &make_options, "kind"_a, "seed"_a, "noise"_a, "device"_a, "acquisition"_a, "ucb_coefficient"_a,
                  "trust_regions"_a, "initial_trials"_a, "grid_points"_a, "max_seconds_per_ask"_a);
  nb::class_<TrialLog>(m, "TrialLog")
      .def(nb::init<>())
      .def("put", &TrialLog::put, "number"_a, "state"_a, "params"_a, "value"_a.none())
      .def("__len__", [](const TrialLog& log) { return log.trials.size(); });
  nb::class_<LockedSampler>(m, "Sampler")
      .def(nb::init<const SamplerOptions&>(), "options"_a)
      .def("suggest", &LockedSampler::suggest, "space"_a, "finished"_a, "pending"_a, "direction"_a, "count"_a, "fixed"_a,
           "draw"_a);
}

}  // namespace warpbo::python
