#include "samplers/automatic.hpp"

#include "base/deadline.hpp"
#include "math/philox.hpp"
#include "samplers/builtin.hpp"
#include "samplers/gp_sampler.hpp"
#include "samplers/gp_search.hpp"
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

/// The Gaussian process of the whole space and a trust region take turns. What the global model says of itself decides how
/// often:
///   it predicts well                     two of three trials are its own, a part of a batch;
///   it explains part of the data as noise, or predicts it badly
///                                        a trust region, whose model need only be right nearby, makes most of the trials;
///   it expects no improvement anywhere   a search begins afresh, knowing only its own trials; the global model, for which
///                                        they are data too, has a turn when it expects something again, and from the second
///                                        such search on.
/// Where a sum of main effects predicts the observations better than the global model, it makes half of a batch or every third
/// trial (MainEffects), and the others the rest.
/// What is decided depends on the request alone.
class AutomaticSampler final : public Sampler, public SharedFit {
 public:
  AutomaticSampler(const SamplerOptions& options, const AutomaticRecipe& recipe, const BackendOpener& open)
      : options_(options),
        recipe_(recipe),
        gp_(make_gp_sampler(options, recipe.global, open)),
        local_(make_trust_region_sampler(second(options), recipe.trust, open)),
        fresh_(make_fresh_search(second(options), recipe, open)),
        evolution_(make_differential_evolution_sampler(options)),
        main_effects_(options, recipe.main_effects),
        first_turn_(math::mix64(options.seed) >> 32) {}  // small enough to be added to

  [[nodiscard]] std::string name() const override { return "auto"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    if (!affordable(request)) return evolution_->suggest(request);
    const Deadline half(options_.max_seconds_per_ask / 2);
    // Of a batch, one trial first: it tells who makes the others. Where time is short, all at once.
    SuggestRequest probe = request;
    if (!half.limited()) probe.count = 1;
    SuggestResult global = gp_->suggest(probe);
    Sampler* const other = half.passed() || global.suggestions.empty() ? nullptr : better_than(global.model, request);
    std::vector<Suggestion> additive = main_effects(request, global.model, half);
    if (additive.empty()) return composed(request, other, std::move(global), probe.count);
    // What the global model chose, it chose without these.
    global.suggestions.clear();
    global.exhausted = false;
    const std::vector<Trial> pending = with_proposals(request, additive);
    SuggestRequest rest = request;
    rest.pending = pending;
    rest.count -= static_cast<int>(additive.size());
    if (rest.count > 0) global = composed(rest, other, std::move(global), 0);
    global.suggestions.insert(global.suggestions.begin(), std::make_move_iterator(additive.begin()),
                              std::make_move_iterator(additive.end()));
    return global;
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
  /// The proposals of the additive model, where it has a turn and predicts better than the global one.
  [[nodiscard]] std::vector<Suggestion> main_effects(const SuggestRequest& request, const ModelSummary& model,
                                                     const Deadline& half) {
    if (options_.acquisition != AcquisitionFunction::expected_improvement) return {};
    if (model.observations < recipe_.least_observations || half.passed()) return {};
    SuggestRequest part = request;
    if (request.count > 1) part.count = static_cast<int>(recipe_.additive_share * request.count);
    if (part.count == 0) return {};
    const bool beaten = main_effects_beaten(request, static_cast<std::size_t>(std::max(recipe_.additive_latest, part.count)));
    const int turns = recipe_.additive_turns * (beaten ? recipe_.additive_beaten : 1);
    if (request.count == 1 && (turns == 0 || !turn(request, turns, 0))) return {};
    if (request.count > 1 && beaten) part.count = std::max(part.count / recipe_.additive_beaten, 1);
    return main_effects_.suggest(part, model.leave_one_out_r2, half);
  }

  /// The global model's share of a request and another strategy's. `asked`: how many trials the global model was asked for
  /// already.
  SuggestResult composed(const SuggestRequest& request, Sampler* other, SuggestResult global, int asked) {
    const int kept = share(other, request);
    if (std::ssize(global.suggestions) < kept && asked < kept) {
      SuggestRequest part = request;
      part.count = kept;
      global = again(std::move(global), gp_->suggest(part));
    }
    global.suggestions.resize(std::min(global.suggestions.size(), static_cast<std::size_t>(kept)));
    return other != nullptr && std::ssize(global.suggestions) == kept ? completed(*other, request, std::move(global)) : global;
  }

  /// A strategy that is asked after the global model has half of the time. Regions come one after the other: their numbers tell
  /// a search that began afresh.
  static SamplerOptions second(SamplerOptions options) {
    options.max_seconds_per_ask /= 2;
    options.trust_regions = 1;
    return options;
  }

  static bool affordable(const SuggestRequest& request) {
    const auto& specs = request.space.parameters();
    const auto varied = std::count_if(specs.begin(), specs.end(),
                                      [](const ParameterSpec& spec) { return spec.kind != ParameterKind::constant; });
    return request.finished.size() <= kMostObservations && static_cast<std::size_t>(varied) <= kMostDimensions;
  }

  /// Whether this ask is the last of `turns`, or that with the given place among them. Where they begin is the study's own: the
  /// studies of a fleet are often as old as each other, and a turn of another strategy costs a model more.
  [[nodiscard]] bool turn(const SuggestRequest& request, int turns) const { return turn(request, turns, turns - 1); }
  [[nodiscard]] bool turn(const SuggestRequest& request, int turns, int place) const {
    return (request.draw + first_turn_) % static_cast<std::uint64_t>(turns) == static_cast<std::uint64_t>(place);
  }

  /// The strategy that the global model's own words speak for; null: none but it.
  [[nodiscard]] Sampler* better_than(const ModelSummary& model, const SuggestRequest& request) const {
    // Whoever names what the model is to maximize gets that.
    if (options_.acquisition != AcquisitionFunction::expected_improvement) return nullptr;
    if (model.observations < recipe_.least_observations) return nullptr;
    if (rippled(model)) return request.count == 1 && turn(request, recipe_.local_turns) ? nullptr : local_.get();
    if (options_.noise != Noise::noisy) {
      const std::int64_t region = std::max(latest_region(request.finished), latest_region(request.pending));
      if (region > 0) return polishes(request, model, region) ? nullptr : fresh_.get();
      if (model.log_expected_improvement < recipe_.exhausted) return fresh_.get();
    }
    if (request.count == 1) return turn(request, recipe_.smooth_turns) ? local_.get() : nullptr;
    return request.count >= recipe_.portfolio_from ? local_.get() : nullptr;
  }

  /// How many trials the global model makes beside another strategy.
  [[nodiscard]] int share(const Sampler* other, const SuggestRequest& request) const {
    if (other == nullptr) return request.count;
    if (other != local_.get() || request.count == 1) return 0;
    return std::max(static_cast<int>(recipe_.global_share * request.count), std::min(request.count / 2, recipe_.global_trials));
  }

  /// Whether the global model makes this trial although a search has begun afresh. The first such search is mostly left alone:
  /// the global model knows where it was, and would lead it back. Later ones take turns with it.
  [[nodiscard]] bool polishes(const SuggestRequest& request, const ModelSummary& model, std::int64_t region) const {
    return turn(request, recipe_.global_turns) && (region > 1 || model.log_expected_improvement > recipe_.promising);
  }

  [[nodiscard]] bool rippled(const ModelSummary& model) const {
    return model.noise_variance > recipe_.unexplained || model.leave_one_out_r2 < recipe_.poor_prediction;
  }

  /// The second of two answers to one request, with what only the first said.
  static SuggestResult again(SuggestResult first, SuggestResult second) {
    for (std::string& what : second.degraded)
      if (std::find(first.degraded.begin(), first.degraded.end(), what) == first.degraded.end())
        first.degraded.push_back(std::move(what));
    second.degraded = std::move(first.degraded);
    second.model.fit_seconds += first.model.fit_seconds;
    second.model.suggest_seconds += first.model.suggest_seconds;
    return second;
  }

  /// Lets `other` make what is missing.
  static SuggestResult completed(Sampler& other, const SuggestRequest& request, SuggestResult global) {
    const std::vector<Trial> pending = with_proposals(request, global.suggestions);
    SuggestRequest rest = request;
    rest.pending = pending;
    rest.count = request.count - static_cast<int>(global.suggestions.size());
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
  MainEffects main_effects_;
  std::uint64_t first_turn_;
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
