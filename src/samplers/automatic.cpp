#include "samplers/automatic.hpp"

#include "base/deadline.hpp"
#include "samplers/builtin.hpp"
#include "samplers/shared_fit.hpp"
#include "space/encoder.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace warpbo::samplers {

namespace {

/// Beyond these sizes an exact process costs more than it tells within one ask; evolution goes on with what the history taught.
constexpr std::size_t kMostObservations = 20000;
constexpr std::size_t kMostDimensions = 1000;

std::unique_ptr<Sampler> make_fresh_search(const SamplerOptions& options, const AutomaticRecipe& choices,
                                           const BackendOpener& open) {
  TrustRegionRecipe recipe = choices.trust;
  recipe.rules.initial_length = choices.fresh_length;
  recipe.first_region = 1;
  return make_trust_region_sampler(options, recipe, open);
}

/// The Gaussian process of the whole space proposes, until what it says of itself speaks for another strategy:
///   it expects no improvement anywhere   a search begins afresh, knowing only its own trials; the global model, for which
///                                        they are data too, has a turn now and then when it expects something again;
///   it explains part of the data as noise, or predicts it badly
///                                        a trust region, whose model need only be right nearby, makes most of the trials.
/// What is decided depends on the request alone.
class AutomaticSampler final : public Sampler, public SharedFit {
 public:
  AutomaticSampler(const SamplerOptions& options, const AutomaticRecipe& recipe, const BackendOpener& open)
      : options_(options),
        recipe_(recipe),
        gp_(make_gp_sampler(options, open)),
        local_(make_trust_region_sampler(second(options), recipe.trust, open)),
        fresh_(make_fresh_search(second(options), recipe, open)),
        evolution_(make_differential_evolution_sampler(options)) {}

  [[nodiscard]] std::string name() const override { return "auto"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    if (!affordable(request)) return evolution_->suggest(request);
    const Deadline half(options_.max_seconds_per_ask / 2);
    SuggestResult global = gp_->suggest(request);
    if (half.passed()) return global;
    if (std::ssize(global.suggestions) < request.count || global.model.observations < recipe_.least_observations) return global;
    if (rippled(global.model)) {
      const int kept = request.count > 1 ? std::max(request.count / recipe_.local_turns, 1) : 0;
      return request.count == 1 && turn(request, recipe_.local_turns) ? global
                                                                      : with(*local_, request, kept, std::move(global));
    }
    return afresh(request, global.model) ? with(*fresh_, request, 0, std::move(global)) : global;
  }

  [[nodiscard]] std::size_t kept_bytes() const noexcept override {
    return gp_->kept_bytes() + local_->kept_bytes() + fresh_->kept_bytes() + evolution_->kept_bytes();
  }
  void release() override {
    for (Sampler* sampler : {gp_.get(), local_.get(), fresh_.get(), evolution_.get()}) sampler->release();
  }

  [[nodiscard]] std::optional<Search> next_search(const SuggestRequest& request) override {
    auto* shared = dynamic_cast<SharedFit*>(gp_.get());
    return shared != nullptr && affordable(request) ? shared->next_search(request) : std::nullopt;
  }
  void accept_search(const Search& search, const gp::FitReport& report) override {
    if (auto* shared = dynamic_cast<SharedFit*>(gp_.get())) shared->accept_search(search, report);
  }

 private:
  /// A strategy that is asked after the global model has half of the time.
  static SamplerOptions second(SamplerOptions options) {
    options.max_seconds_per_ask /= 2;
    return options;
  }

  static bool affordable(const SuggestRequest& request) {
    const auto& specs = request.space.parameters();
    const auto varied = std::count_if(specs.begin(), specs.end(),
                                      [](const ParameterSpec& spec) { return spec.kind != ParameterKind::constant; });
    return request.finished.size() <= kMostObservations && static_cast<std::size_t>(varied) <= kMostDimensions;
  }

  /// Whether this ask is one of `turns`.
  static bool turn(const SuggestRequest& request, int turns) {
    return request.draw % static_cast<std::uint64_t>(turns) == static_cast<std::uint64_t>(turns) - 1;
  }

  /// A search that has begun is mostly left alone: the global model knows where it was, and would lead it back.
  [[nodiscard]] bool afresh(const SuggestRequest& request, const ModelSummary& model) const {
    if (options_.acquisition != AcquisitionFunction::expected_improvement || options_.noise == Noise::noisy) return false;
    if (model.log_expected_improvement < recipe_.exhausted) return true;
    const bool begun = std::max(latest_region(request.finished), latest_region(request.pending)) > 0;
    return begun && !(model.log_expected_improvement > recipe_.promising && turn(request, recipe_.global_turns));
  }

  [[nodiscard]] bool rippled(const ModelSummary& model) const {
    return model.noise_variance > recipe_.unexplained || model.leave_one_out_r2 < recipe_.poor_prediction;
  }

  /// Keeps the first `kept` proposals and lets `other` make the rest.
  static SuggestResult with(Sampler& other, const SuggestRequest& request, int kept, SuggestResult global) {
    global.suggestions.resize(static_cast<std::size_t>(kept));
    std::vector<Trial> pending(request.pending.begin(), request.pending.end());
    for (const Suggestion& suggestion : global.suggestions) {
      pending.emplace_back();
      pending.back().state = TrialState::running;
      pending.back().parameters = suggestion.parameters;
    }
    SuggestRequest rest = request;
    rest.pending = pending;
    rest.count = request.count - kept;
    SuggestResult more = other.suggest(rest);
    std::move(more.suggestions.begin(), more.suggestions.end(), std::back_inserter(global.suggestions));
    global.degraded.insert(global.degraded.end(), more.degraded.begin(), more.degraded.end());
    global.exhausted = more.exhausted;
    global.model.suggest_seconds += more.model.fit_seconds + more.model.suggest_seconds;
    return global;
  }

  SamplerOptions options_;
  AutomaticRecipe recipe_;
  std::unique_ptr<Sampler> gp_, local_, fresh_, evolution_;
};

}  // namespace

std::unique_ptr<Sampler> make_automatic_sampler(const SamplerOptions& options, const AutomaticRecipe& recipe,
                                                const BackendOpener& open) {
  return std::make_unique<AutomaticSampler>(options, recipe, open);
}

std::unique_ptr<Sampler> make_automatic_sampler(const SamplerOptions& options, const BackendOpener& open) {
  return make_automatic_sampler(options, AutomaticRecipe{}, open);
}

}  // namespace warpbo::samplers
