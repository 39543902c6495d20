#include "samplers/gp_sampler.hpp"

#include "acquisition/propose.hpp"
#include "base/deadline.hpp"
#include "samplers/batch_parts.hpp"
#include "samplers/builtin.hpp"
#include "samplers/gp_search.hpp"
#include "samplers/proposals.hpp"
#include "samplers/shared_fit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <numeric>

namespace warpbo::samplers {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Rows of the `count` observations with the smallest values, best first.
std::vector<double> best_rows(const Observations& data, const std::vector<double>& values, std::int64_t count, std::size_t d) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  std::vector<double> rows;
  for (const std::size_t i : order) {
    const auto begin = data.rows.begin() + static_cast<std::ptrdiff_t>(i * d);
    rows.insert(rows.end(), begin, begin + static_cast<std::ptrdiff_t>(d));
  }
  return rows;
}

class GpSampler final : public Sampler, public SharedFit {
 public:
  GpSampler(const SamplerOptions& options, const GpRecipe& recipe, BackendOpener open)
      : options_(options), recipe_(recipe), engine_(options.device, std::move(open)) {
    SamplerOptions initial = options;
    initial.kind = SamplerKind::sobol;
    initial_ = make_sampler(initial);
  }

  [[nodiscard]] std::string name() const override { return "gp"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    const Deadline deadline(options_.max_seconds_per_ask);
    prepare(request.space);
    if (encoder_->dimensions() == 0) return initial_->suggest(request);  // constants only: nothing to model
    const Observations data = observe(*encoder_, request.finished, request.direction);
    const std::int64_t missing = missing_design(data, request);
    if (data.successes == 0 || missing >= request.count) return initial_->suggest(request);
    const auto design = static_cast<int>(std::max<std::int64_t>(missing, 0));
    std::vector<std::string> degraded;
    std::optional<SuggestResult> result =
        engine_.run([&](GpModel& model) { return model_based(model, request, data, design, deadline); }, degraded);
    if (!result) {
      degraded.emplace_back("no model could be fitted; the proposals are quasi-random");
      result = initial_->suggest(request);
    }
    result->degraded.insert(result->degraded.begin(), degraded.begin(), degraded.end());
    result->notice = engine_.notice();
    if (result->suggestions.size() < static_cast<std::size_t>(request.count) && !result->exhausted) complete(request, *result);
    return std::move(*result);
  }

  [[nodiscard]] std::size_t kept_bytes() const noexcept override { return engine_.bytes(); }
  void release() override { engine_.release(); }

  [[nodiscard]] std::optional<Search> next_search(const SuggestRequest& request) override {
    if (options_.max_seconds_per_ask > 0) return std::nullopt;
    prepare(request.space);
    if (encoder_->dimensions() == 0) return std::nullopt;
    const Observations data = observe(*encoder_, request.finished, request.direction);
    if (data.successes == 0 || missing_design(data, request) >= request.count || data.size() > recipe_.shared_fit)
      return std::nullopt;
    const GpPlan plan(*encoder_, options_.noise, recipe_, options_.seed);
    auto due = plan.due(data, engine_.searches());
    if (!due) return std::nullopt;
    return Search{std::move(*due), plan.settings()};
  }

  void accept_search(const Search& search, const gp::FitReport& report) override {
    if (!report.fitted) return;  // whoever asks finds out why
    GpModel::Searches searches = engine_.searches();
    GpPlan::accept(search.due, report, searches);
    engine_.set_searches(searches);
  }

 private:
  /// The encoder and the model belong to a space; one sampler object mostly sees one.
  void prepare(const Space& space) {
    if (encoder_ && encoder_->space() == space) return;
    encoder_.emplace(space);
    engine_.reset([this](std::shared_ptr<backend::Backend> backend, const GpModel::Searches& searches) {
      return GpModel(std::move(backend), *encoder_, options_.noise, recipe_, options_.seed, searches);
    });
  }

  [[nodiscard]] std::int64_t missing_design(const Observations& data, const SuggestRequest& request) const {
    return design_size(options_, static_cast<std::int64_t>(encoder_->dimensions())) - data.size() -
           static_cast<std::int64_t>(request.pending.size());
  }

  /// Quasi-random points for what a time limit left out; what was chosen is pending for them.
  void complete(const SuggestRequest& request, SuggestResult& result) const {
    const std::vector<Trial> pending = with_proposals(request, result.suggestions);
    SuggestRequest rest = request;
    rest.pending = pending;
    rest.count = request.count - static_cast<int>(result.suggestions.size());
    rest.draw = request.draw + result.suggestions.size();
    SuggestResult more = initial_->suggest(rest);
    std::move(more.suggestions.begin(), more.suggestions.end(), std::back_inserter(result.suggestions));
    result.exhausted = more.exhausted;
  }

  /// What the initial design still lacks, then the model's proposals. Nothing when the model's numbers are unusable.
  std::optional<SuggestResult> model_based(GpModel& model, const SuggestRequest& request, const Observations& data, int design,
                                           const Deadline& deadline) const {
    SuggestResult result;
    const Clock::time_point start = Clock::now();
    const gp::Regression* regression = model.update(data, result.degraded, deadline);
    if (regression == nullptr) return std::nullopt;
    const double fit_seconds = seconds_since(start);
    result.model = summarize(*encoder_, model, *regression);
    result.model.fit_seconds = fit_seconds;

    const Region region(*encoder_, request.fixed);
    GpDomain domain(region);
    std::vector<double> pending = encode_trials(*encoder_, request.pending).rows;
    exclude_known(options_, data, pending, domain);
    if (design > 0) fill_design(request, design, domain, pending, result);
    if (!propose(model, *regression, request, request.count - design, domain, pending, deadline, result)) return std::nullopt;
    result.model.suggest_seconds = seconds_since(start) - result.model.fit_seconds;
    return result;
  }

  /// Quasi-random points; they are pending for what the model proposes beside them.
  void fill_design(const SuggestRequest& request, int count, GpDomain& domain, std::vector<double>& pending,
                   SuggestResult& result) const {
    SuggestRequest design = request;
    design.count = count;
    std::vector<double> row(encoder_->dimensions());
    SuggestResult points = initial_->suggest(design);
    for (Suggestion& suggestion : points.suggestions) {
      if (encoder_->encode(suggestion.parameters, row)) {
        pending.insert(pending.end(), row.begin(), row.end());
        domain.exclude(row);
      }
      result.suggestions.push_back(std::move(suggestion));
    }
  }

  /// False when the acquisition's values are no numbers although there may be another device to try.
  bool propose(const GpModel& model, const gp::Regression& regression, const SuggestRequest& request, int count,
               GpDomain& domain, const std::vector<double>& pending, const Deadline& deadline, SuggestResult& result) const {
    if (pending.size() > recipe_.modelled_pending * encoder_->dimensions())
      result.degraded.push_back("only the latest " + std::to_string(recipe_.modelled_pending) + " pending trials are modelled");
    acquisition::ProposeOptions search = search_of_whole(model, regression, request, count, pending);
    search.deadline = deadline;
    std::vector<BatchPart> parts;
    const bool bound_pending = std::any_of(request.pending.begin(), request.pending.end(),
                                           [](const Trial& trial) { return came_from(trial, "gp/ucb"); });
    if (const auto shares = batch_shares(options_.acquisition, regression, count, bound_pending, recipe_))
      parts = propose_in_parts(regression, domain, search, recipe_, *shares);
    else
      parts.push_back({acquisition::propose(regression, domain, search), joint_origin(search)});
    const std::vector<double>& values = parts.front().found.values;
    if (!model.last_resort() && !values.empty() && !std::isfinite(values.front()) && !few_left(domain, count)) return false;
    if (options_.acquisition == AcquisitionFunction::expected_improvement && !values.empty())
      result.model.log_expected_improvement = values.front();
    append(parts, domain, count, result);
    return true;
  }

  /// Whether a finite space holds no more than is asked for: then no values are needed, and none are there.
  static bool few_left(const GpDomain& domain, int count) { return domain.remaining(count).finite; }

  void append(const std::vector<BatchPart>& parts, const GpDomain& domain, int count, SuggestResult& result) const {
    const std::size_t d = encoder_->dimensions();
    std::int64_t chosen = 0;
    bool timed_out = false;
    for (const BatchPart& part : parts) {
      result.degraded.insert(result.degraded.end(), part.found.degraded.begin(), part.found.degraded.end());
      for (std::size_t at = 0; at < part.found.rows.size(); at += d)
        result.suggestions.push_back({domain.region().decode(std::span(part.found.rows).subspan(at, d)), "gp/" + part.origin});
      chosen += std::ssize(part.found.values);
      timed_out = timed_out || part.found.timed_out;
    }
    result.exhausted = !timed_out && chosen < count;
    if (timed_out) result.degraded.push_back(time_is_up(static_cast<std::size_t>(chosen), count));
  }

  /// Of the whole space, beside the best observations too. Where those are uncertain, their values are integrated over.
  [[nodiscard]] acquisition::ProposeOptions search_of_whole(const GpModel& model, const gp::Regression& regression,
                                                            const SuggestRequest& request, int count,
                                                            const std::vector<double>& pending) const {
    const Observations& data = model.observations();
    const std::size_t d = encoder_->dimensions();
    acquisition::ProposeOptions search = search_options(options_, recipe_, model, regression, request.draw, count, pending);
    const bool noisy = is_noisy(options_, recipe_, regression);
    search.candidates.incumbents = best_rows(data, noisy ? regression.fitted_means() : model.targets(), recipe_.incumbents, d);
    if (options_.acquisition != AcquisitionFunction::expected_improvement) search.kind = backend::AcquisitionKind::ucb;
    search.ucb_coefficient = options_.ucb_coefficient;
    if (noisy) search.baseline = best_rows(data, regression.fitted_means(), recipe_.baseline, d);
    return search;
  }

  SamplerOptions options_;
  GpRecipe recipe_;
  std::unique_ptr<Sampler> initial_;
  std::optional<space::Encoder> encoder_;
  GpEngine engine_;
};

}  // namespace

std::unique_ptr<Sampler> make_gp_sampler(const SamplerOptions& options, const GpRecipe& recipe, BackendOpener open) {
  return std::make_unique<GpSampler>(options, recipe, std::move(open));
}

std::unique_ptr<Sampler> make_gp_sampler(const SamplerOptions& options, BackendOpener open) {
  return make_gp_sampler(options, GpRecipe{}, std::move(open));
}

}  // namespace warpbo::samplers
