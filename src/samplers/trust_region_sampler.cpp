#include "samplers/trust_region_sampler.hpp"

#include "acquisition/propose.hpp"
#include "base/deadline.hpp"
#include "math/philox.hpp"
#include "samplers/batch_parts.hpp"
#include "samplers/builtin.hpp"
#include "samplers/gp_search.hpp"
#include "samplers/proposals.hpp"
#include "samplers/trust_region_domain.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace warpbo::samplers {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Half the side of a box in every column: lengthscales give the proportions, the length the volume.
std::vector<double> half_widths(const gp::Regression& regression, const space::Encoder& encoder, double length) {
  const std::size_t d = encoder.dimensions();
  std::vector<double> widths(d, length / 2);
  double mean = 0;
  int numeric = 0;
  for (std::size_t c = 0; c < d; ++c) {
    if (encoder.columns()[c].kind == space::ColumnKind::categorical) continue;
    mean += regression.theta()[c];
    ++numeric;
  }
  if (numeric == 0) return widths;
  mean /= numeric;
  for (std::size_t c = 0; c < d; ++c) widths[c] *= std::exp(std::clamp(regression.theta()[c] - mean, -2.0, 2.0));
  return widths;
}

class TrustRegionSampler final : public Sampler {
 public:
  TrustRegionSampler(const SamplerOptions& options, const TrustRegionRecipe& recipe, BackendOpener open)
      : options_(options), recipe_(recipe), engine_(options.device, std::move(open)) {
    SamplerOptions initial = options;
    initial.kind = SamplerKind::sobol;
    initial_ = make_sampler(initial);
  }

  [[nodiscard]] std::string name() const override { return "trust"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    const Deadline deadline(options_.max_seconds_per_ask);
    prepare(request.space);
    if (encoder_->dimensions() == 0) return initial_->suggest(request);  // constants only: nothing to model
    const EncodedTrials finished = encode_trials(*encoder_, request.finished);
    std::vector<double> values;
    for (const Trial* trial : finished.trials) values.push_back(target(*trial, request.direction));
    const std::vector<TrustRegion> regions = replay_regions(finished.trials, values, request.pending, rules());
    const std::vector<TrustRegion> current = current_regions(regions);
    return current.size() == 1 ? in_region(request, finished, regions, current.front(), deadline)
                               : in_turns(request, finished, regions, current, deadline);
  }

  [[nodiscard]] std::size_t kept_bytes() const noexcept override { return engine_.bytes(); }
  void release() override { engine_.release(); }

 private:
  /// What an ask is about.
  struct Task {
    const SuggestRequest& request;
    const EncodedTrials& finished;
    const TrustRegion& region;
    std::vector<double> known;  // row-major: the best points of older regions
    int designed;               // how many points the region's design still lacks
    Deadline deadline;
  };

  void prepare(const Space& space) {
    if (encoder_ && encoder_->space() == space) return;
    encoder_.emplace(space);
    engine_.reset([this](std::shared_ptr<backend::Backend> backend, const GpModel::Searches& searches) {
      return GpModel(std::move(backend), *encoder_, options_.noise, recipe_.model, options_.seed, searches);
    });
  }

  [[nodiscard]] std::int64_t dimensions() const { return static_cast<std::int64_t>(encoder_->dimensions()); }

  [[nodiscard]] TrustRegionRules rules() const {
    TrustRegionRules rules = recipe_.rules;
    rules.failures = std::max(rules.failures, dimensions());
    return rules;
  }

  /// Regions that are searched at once follow sequences of their own: of m, the numbers s, s + m, s + 2 m, ... The latest of
  /// each, or a new one if it has collapsed.
  [[nodiscard]] std::vector<TrustRegion> current_regions(const std::vector<TrustRegion>& regions) const {
    const std::int64_t several = options_.trust_regions;
    const auto beginning = [&](std::int64_t number) {
      TrustRegion region;
      region.number = number;
      region.length = recipe_.rules.initial_length;
      return region;
    };
    std::vector<TrustRegion> current;
    for (std::int64_t first = recipe_.first_region; first < recipe_.first_region + several; ++first) {
      TrustRegion latest = beginning(first);
      for (const TrustRegion& region : regions)
        if (region.number >= first && (region.number - first) % several == 0)
          latest = region.collapsed ? beginning(region.number + several) : region;
      current.push_back(std::move(latest));
    }
    return current;
  }

  SuggestResult in_region(const SuggestRequest& request, const EncodedTrials& finished, const std::vector<TrustRegion>& regions,
                          const TrustRegion& region, const Deadline& deadline) {
    const std::int64_t missing = design_size(options_, dimensions()) - region.design;
    if (!region.best || missing >= request.count) return design(request, request.count, region.number);
    std::vector<std::string> degraded;
    const Task task{request,
                    finished,
                    region,
                    known_points(finished, regions, region.number),
                    static_cast<int>(std::max<std::int64_t>(missing, 0)),
                    deadline};
    std::optional<SuggestResult> result = engine_.run([&](GpModel& model) { return model_based(model, task); }, degraded);
    if (!result) {
      degraded.emplace_back("no model could be fitted; the proposals are quasi-random");
      result = design(request, request.count, region.number);
    } else if (std::ssize(result->suggestions) < request.count) {
      complete(request, region.number, *result);
    }
    result->degraded.insert(result->degraded.begin(), degraded.begin(), degraded.end());
    result->notice = engine_.notice();
    return std::move(*result);
  }

  /// The trial with number k is for the region k % m: single trials in turns, batches in equal parts. What one region was
  /// given, the next ones know as pending; who is first, and so may find that it is done, is chance.
  SuggestResult in_turns(const SuggestRequest& request, const EncodedTrials& finished, const std::vector<TrustRegion>& regions,
                         const std::vector<TrustRegion>& current, const Deadline& deadline) {
    const std::size_t several = current.size();
    SuggestResult out;
    for (std::size_t i = 0; i < several; ++i) {
      const std::size_t turn = (math::mix64(request.draw) % several + i) % several;
      const auto place = static_cast<int>((turn + several - request.draw % several) % several);  // of its first trial
      const std::vector<Trial> pending = with_proposals(request, out.suggestions);
      SuggestRequest part = request;
      part.pending = pending;
      part.count = (std::max(request.count - place, 0) + options_.trust_regions - 1) / options_.trust_regions;
      if (part.count == 0) continue;
      SuggestResult more = in_region(part, finished, regions, current[turn], deadline);
      for (Suggestion& suggestion : more.suggestions) out.suggestions.push_back(std::move(suggestion));
      more.suggestions = std::move(out.suggestions);
      more.model.fit_seconds += out.model.fit_seconds;
      more.model.suggest_seconds += out.model.suggest_seconds;
      more.degraded.insert(more.degraded.begin(), out.degraded.begin(), out.degraded.end());
      out = std::move(more);
      if (out.exhausted) break;
    }
    std::sort(out.degraded.begin(), out.degraded.end());
    out.degraded.erase(std::unique(out.degraded.begin(), out.degraded.end()), out.degraded.end());
    return out;
  }

  [[nodiscard]] std::vector<double> known_points(const EncodedTrials& finished, const std::vector<TrustRegion>& regions,
                                                 std::int64_t number) const {
    std::vector<double> rows;
    for (const TrustRegion& region : regions) {
      if (region.number >= number || !region.best) continue;
      const std::span<const double> row = finished.row(*region.best, encoder_->dimensions());
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  }

  /// Quasi-random points with which a region begins.
  SuggestResult design(const SuggestRequest& request, int count, std::int64_t region) const {
    const RegionLabel label{region, request.draw, true};
    SuggestRequest wanted = request;
    wanted.count = count;
    SuggestResult result = initial_->suggest(wanted);
    for (Suggestion& suggestion : result.suggestions) suggestion.origin = region_origin("design", label);
    return result;
  }

  /// The domain of the box ran out of points: the rest comes from the whole space, or the space is exhausted.
  void complete(const SuggestRequest& request, std::int64_t region, SuggestResult& result) const {
    const std::vector<Trial> pending = with_proposals(request, result.suggestions);
    SuggestRequest rest = request;
    rest.pending = pending;
    rest.count = request.count - static_cast<int>(result.suggestions.size());
    SuggestResult more = initial_->suggest(rest);
    for (Suggestion& suggestion : more.suggestions) {
      suggestion.origin = region_origin("sobol", {region, request.draw});
      result.suggestions.push_back(std::move(suggestion));
    }
    result.exhausted = more.exhausted;
  }

  std::optional<SuggestResult> model_based(GpModel& model, const Task& task) const {
    const SuggestRequest& request = task.request;
    SuggestResult result;
    const Clock::time_point start = Clock::now();
    const gp::Regression* regression = model.update(local_data(task, result.degraded), result.degraded, task.deadline);
    if (regression == nullptr) return std::nullopt;
    const double fit_seconds = seconds_since(start);
    result.model = summarize(*encoder_, model, *regression);
    result.model.fit_seconds = fit_seconds;

    const Region slice(*encoder_, request.fixed);
    GpDomain domain(slice);
    std::vector<double> pending = encode_trials(*encoder_, request.pending).rows;
    exclude_known(options_, observe(*encoder_, request.finished, request.direction), pending, domain);
    if (task.designed > 0) fill_design(task, domain, pending, result);
    TrustRegionDomain box(domain, centre(model, *regression, domain), half_widths(*regression, *encoder_, task.region.length));
    const int count = request.count - task.designed;
    if (pending.size() > recipe_.modelled_pending * encoder_->dimensions())
      result.degraded.push_back("a trust region models only the " + std::to_string(recipe_.modelled_pending) +
                                " pending trials nearest to its best");
    if (!propose(model, *regression, task, count, box, nearest(pending, box), result)) return std::nullopt;
    if (finished_with(task, *regression, slice, result)) {
      ModelSummary summary = std::move(result.model);
      result = design(request, request.count, task.region.number + options_.trust_regions);
      result.model = std::move(summary);
    }
    result.model.suggest_seconds = seconds_since(start) - result.model.fit_seconds;
    return result;
  }

  /// Whether a region has nothing left to gain: the model expects no improvement, or it has come to where another one ended.
  [[nodiscard]] bool finished_with(const Task& task, const gp::Regression& regression, const Region& slice,
                                   const SuggestResult& result) const {
    if (task.designed > 0 || !task.request.pending.empty() || slice.has_fixed() ||
        is_noisy(options_, recipe_.model, regression))
      return false;
    if (result.model.log_expected_improvement < recipe_.exhausted) return true;
    const std::size_t d = encoder_->dimensions();
    std::vector<double> row(d);
    if (!encoder_->encode(result.suggestions.front().parameters, row)) return false;
    for (std::size_t at = 0; at < task.known.size(); at += d) {
      bool near = true;
      for (std::size_t c = 0; near && c < d; ++c) near = std::fabs(row[c] - task.known[at + c]) <= recipe_.known;
      if (near) return true;
    }
    return false;
  }

  /// What the region's design still lacks; pending for what the model proposes beside it.
  void fill_design(const Task& task, GpDomain& domain, std::vector<double>& pending, SuggestResult& result) const {
    std::vector<double> row(encoder_->dimensions());
    SuggestResult points = design(task.request, task.designed, task.region.number);
    for (Suggestion& suggestion : points.suggestions) {
      if (encoder_->encode(suggestion.parameters, row)) {
        pending.insert(pending.end(), row.begin(), row.end());
        domain.exclude(row);
      }
      result.suggestions.push_back(std::move(suggestion));
    }
  }

  /// The region's trials in a box somewhat larger than its own, and, once it has shrunk, those of others inside.
  [[nodiscard]] Observations local_data(const Task& task, std::vector<std::string>& degraded) const {
    const std::size_t d = encoder_->dimensions();
    std::vector<unsigned char> own(task.finished.trials.size(), 0);
    for (const std::size_t i : task.region.trials) own[i] = 1;
    const std::span<const double> centre = task.finished.row(*task.region.best, d);
    std::vector<std::pair<double, std::size_t>> distances;
    for (std::size_t i = 0; i < own.size(); ++i) distances.emplace_back(distance(task.finished.row(i, d), centre), i);
    std::stable_sort(distances.begin(), distances.end());
    const std::int64_t least = recipe_.least_data > 0 ? recipe_.least_data : 2 * dimensions() + 10;
    const double half = task.region.length / 2;
    const bool shrunk = task.region.length < 0.75 * recipe_.rules.initial_length;
    std::vector<std::size_t> chosen;
    std::int64_t owned = 0;
    for (const auto& [apart, i] : distances) {
      const bool wanted = own[i] != 0 ? apart <= recipe_.local * half || owned < least : shrunk && apart <= half;
      owned += own[i];
      if (!wanted) continue;
      if (std::ssize(chosen) == recipe_.most_data) {
        degraded.push_back("a trust region's model knows only the " + std::to_string(recipe_.most_data) +
                           " trials nearest to its best");
        break;
      }
      chosen.push_back(i);
    }
    std::sort(chosen.begin(), chosen.end());
    std::vector<Trial> trials;
    for (const std::size_t i : chosen) trials.push_back(*task.finished.trials[i]);
    return observe(*encoder_, trials, task.request.direction);
  }

  /// The largest difference in a numeric column.
  [[nodiscard]] double distance(std::span<const double> a, std::span<const double> b) const {
    double largest = 0;
    for (std::size_t c = 0; c < a.size(); ++c)
      if (encoder_->columns()[c].kind != space::ColumnKind::categorical) largest = std::max(largest, std::fabs(a[c] - b[c]));
    return largest;
  }

  /// The best observation, or the one with the best fitted mean where observations are noisy.
  [[nodiscard]] std::vector<double> centre(const GpModel& model, const gp::Regression& regression,
                                           const GpDomain& domain) const {
    const std::size_t d = encoder_->dimensions();
    const Observations& data = model.observations();
    const std::vector<double> values =
        is_noisy(options_, recipe_.model, regression) ? regression.fitted_means() : model.targets();
    std::size_t best = 0;
    for (std::size_t i = 1; i < values.size(); ++i)
      if (data.imputed[i] < data.imputed[best] || (data.imputed[i] == data.imputed[best] && values[i] < values[best])) best = i;
    const auto begin = data.rows.begin() + static_cast<std::ptrdiff_t>(best * d);
    std::vector<double> row(begin, begin + static_cast<std::ptrdiff_t>(d));
    domain.snap(row);  // where values are fixed
    return row;
  }

  /// The pending points nearest to the centre: what is known elsewhere says little in the box.
  [[nodiscard]] std::vector<double> nearest(const std::vector<double>& pending, const TrustRegionDomain& box) const {
    const std::size_t d = encoder_->dimensions(), most = recipe_.modelled_pending;
    if (pending.size() <= most * d) return pending;
    std::vector<std::pair<double, std::size_t>> distances;
    for (std::size_t at = 0; at < pending.size(); at += d)
      distances.emplace_back(distance(std::span(pending).subspan(at, d), box.centre()), at);
    std::stable_sort(distances.begin(), distances.end());
    std::vector<double> rows;
    for (std::size_t i = 0; i < most; ++i) {
      const auto begin = pending.begin() + static_cast<std::ptrdiff_t>(distances[i].second);
      rows.insert(rows.end(), begin, begin + static_cast<std::ptrdiff_t>(d));
    }
    return rows;
  }

  bool propose(const GpModel& model, const gp::Regression& regression, const Task& task, int count, TrustRegionDomain& box,
               const std::vector<double>& pending, SuggestResult& result) const {
    acquisition::ProposeOptions search =
        search_options(options_, recipe_.model, model, regression, task.request.draw, count, pending);
    search.candidates = candidates(search.seed, box, search.candidates.count);
    if (is_noisy(options_, recipe_.model, regression)) search.baseline = box.centre();
    // Under noise the improvement over the centre leads back to the centre. Only where noise is declared: a box that holds more
    // ripples than trials looks as noisy, and there the centre is the place to be.
    const bool bound = options_.noise == Noise::noisy;
    if (bound) {
      search.kind = backend::AcquisitionKind::ucb;
      search.ucb_coefficient = options_.ucb_coefficient;
    }
    search.deadline = task.deadline;
    std::vector<BatchPart> parts;
    const auto kind = bound ? AcquisitionFunction::confidence_bound : AcquisitionFunction::expected_improvement;
    if (const auto shares = batch_shares(kind, regression, count, false, recipe_.model))
      parts = propose_in_parts(regression, box, search, recipe_.model, *shares);
    else
      parts.push_back({acquisition::propose(regression, box, search), joint_origin(search)});
    const std::vector<double>& values = parts.front().found.values;
    if (!model.last_resort() && !values.empty() && !std::isfinite(values.front())) return false;
    if (!values.empty() && !bound) result.model.log_expected_improvement = values.front();
    append(parts, task, count, result);
    return true;
  }

  void append(const std::vector<BatchPart>& parts, const Task& task, int count, SuggestResult& result) const {
    const std::size_t d = encoder_->dimensions();
    const Region slice(*encoder_, task.request.fixed);
    std::size_t chosen = 0;
    bool timed_out = false;
    for (const BatchPart& part : parts) {
      result.degraded.insert(result.degraded.end(), part.found.degraded.begin(), part.found.degraded.end());
      const std::string origin = region_origin(part.origin, {task.region.number, task.request.draw});
      for (std::size_t at = 0; at < part.found.rows.size(); at += d)
        result.suggestions.push_back({slice.decode(std::span(part.found.rows).subspan(at, d)), origin});
      chosen += part.found.values.size();
      timed_out = timed_out || part.found.timed_out;
    }
    if (timed_out) result.degraded.push_back(time_is_up(chosen, count));
  }

  [[nodiscard]] acquisition::CandidateOptions candidates(std::uint64_t seed, const TrustRegionDomain& box,
                                                         std::int64_t count) const {
    acquisition::CandidateOptions options;
    options.seed = math::mix64(seed);
    options.count = count;
    options.incumbents = box.centre();
    double widest = 0;
    for (std::size_t c = 0; c < box.columns().size(); ++c)
      widest = std::max(widest, box.columns()[c].categorical ? 0.0 : box.range(c).second - box.range(c).first);
    options.scales = {0.25 * widest, 0.1 * widest, 0.02 * widest};
    return options;
  }

  SamplerOptions options_;
  TrustRegionRecipe recipe_;
  std::unique_ptr<Sampler> initial_;
  std::optional<space::Encoder> encoder_;
  GpEngine engine_;
};

}  // namespace

std::unique_ptr<Sampler> make_trust_region_sampler(const SamplerOptions& options, const TrustRegionRecipe& recipe,
                                                   BackendOpener open) {
  return std::make_unique<TrustRegionSampler>(options, recipe, std::move(open));
}

std::unique_ptr<Sampler> make_trust_region_sampler(const SamplerOptions& options, BackendOpener open) {
  return make_trust_region_sampler(options, TrustRegionRecipe{}, std::move(open));
}

}  // namespace warpbo::samplers
