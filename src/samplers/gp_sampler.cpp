#include "samplers/gp_sampler.hpp"

#include "acquisition/propose.hpp"
#include "backend/open.hpp"
#include "gp/joint_sample.hpp"
#include "math/philox.hpp"
#include "samplers/builtin.hpp"
#include "samplers/gp_domain.hpp"
#include "samplers/gp_model.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
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

class GpSampler final : public Sampler {
 public:
  GpSampler(const SamplerOptions& options, const GpRecipe& recipe) : options_(options), recipe_(recipe) {
    SamplerOptions initial = options;
    initial.kind = SamplerKind::sobol;
    initial_ = make_sampler(initial);
  }

  [[nodiscard]] std::string name() const override { return "gp"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    prepare(request.space);
    const Observations data = observe(*encoder_, request.finished, request.direction);
    const std::int64_t started = data.size() + static_cast<std::int64_t>(request.pending.size());
    const std::int64_t wanted = initial_trials();
    if (data.successes == 0 || started < wanted) return initial_->suggest(request);
    return model_based(request, data);
  }

 private:
  /// The encoder and the model belong to a space; one sampler object mostly sees one.
  void prepare(const Space& space) {
    if (encoder_ && encoder_->space() == space) return;
    backend::Opened opened = backend::open_backend(options_.device);
    model_.reset();
    encoder_.emplace(space);
    if (encoder_->dimensions() > 0) model_.emplace(opened.backend, *encoder_, options_.noise, recipe_, options_.seed);
    device_ = opened.backend->name();
  }

  [[nodiscard]] std::int64_t initial_trials() const {
    if (options_.initial_trials > 0) return options_.initial_trials;
    const double d = static_cast<double>(encoder_->dimensions());
    return std::max<std::int64_t>(4, static_cast<std::int64_t>(std::min(2 * d, std::ceil(3 * std::sqrt(d)) + 2)));
  }

  SuggestResult model_based(const SuggestRequest& request, const Observations& data) {
    SuggestResult result;
    const Clock::time_point start = Clock::now();
    const gp::Regression* regression = model_ ? model_->update(data, result.degraded) : nullptr;
    if (regression == nullptr) return fall_back(request, std::move(result.degraded));
    result.model.fit_seconds = seconds_since(start);

    const Region region(*encoder_, request.fixed);
    GpDomain domain(region);
    exclude_known(request, data, domain);
    const acquisition::Proposals found = acquisition::propose(*regression, domain, search_options(request, *regression));
    result.degraded.insert(result.degraded.end(), found.degraded.begin(), found.degraded.end());
    const std::size_t d = encoder_->dimensions();
    for (std::size_t at = 0; at < found.rows.size(); at += d)
      result.suggestions.push_back({region.decode(std::span(found.rows).subspan(at, d)), request.count > 1 ? "gp/qlogei" : "gp/logei"});
    result.exhausted = static_cast<int>(result.suggestions.size()) < request.count;
    summarize(*regression, result.model);
    result.model.suggest_seconds = seconds_since(start) - result.model.fit_seconds;
    return result;
  }

  SuggestResult fall_back(const SuggestRequest& request, std::vector<std::string> degraded) {
    SuggestResult result = initial_->suggest(request);
    degraded.emplace_back("no model could be fitted; the proposals are quasi-random");
    result.degraded.insert(result.degraded.begin(), degraded.begin(), degraded.end());
    return result;
  }

  /// Pending and failed points are never proposed again; observed ones only when the objective is said to be noisy.
  void exclude_known(const SuggestRequest& request, const Observations& data, GpDomain& domain) const {
    const std::size_t d = encoder_->dimensions();
    const std::vector<double>& rows = options_.noise == Noise::noisy ? data.failed_rows : data.rows;
    for (std::size_t at = 0; at < rows.size(); at += d) domain.exclude(std::span(rows).subspan(at, d));
    const std::vector<double> pending = pending_rows(request);
    for (std::size_t at = 0; at < pending.size(); at += d) domain.exclude(std::span(pending).subspan(at, d));
  }

  [[nodiscard]] std::vector<double> pending_rows(const SuggestRequest& request) const {
    std::vector<double> rows, row(encoder_->dimensions());
    for (const Trial& trial : request.pending)
      if (encoder_->encode(trial.parameters, row)) rows.insert(rows.end(), row.begin(), row.end());
    return rows;
  }

  [[nodiscard]] acquisition::ProposeOptions search_options(const SuggestRequest& request, const gp::Regression& regression) const {
    const Observations& data = model_->observations();
    const std::size_t d = encoder_->dimensions();
    acquisition::ProposeOptions search;
    search.count = request.count;
    search.seed = math::mix64(options_.seed ^ math::mix64(request.draw));
    search.candidates.seed = math::mix64(search.seed);
    search.candidates.count = recipe_.candidates;
    search.candidates.incumbents = best_rows(data, model_->targets(), recipe_.incumbents, d);
    search.starts = request.count > 1 ? recipe_.batch_starts : recipe_.starts;
    search.climb.max_rounds = recipe_.climb_rounds;
    search.samples = recipe_.samples;
    search.pending = pending_rows(request);
    const bool noisy = options_.noise == Noise::noisy || (options_.noise == Noise::infer && regression.noise() > recipe_.noisy_above);
    if (noisy) {
      std::vector<double> means;  // the closed-form posterior means at the observations
      const gp::Moments moments = gp::predict(regression, data.rows);
      search.baseline = best_rows(data, moments.mean, recipe_.baseline, d);
    } else {
      for (std::size_t i = 0; i < data.values.size(); ++i)
        if (data.imputed[i] == 0) search.incumbent = std::min(search.incumbent, model_->targets()[i]);
    }
    return search;
  }

  void summarize(const gp::Regression& regression, ModelSummary& summary) const {
    summary.kind = "gp";
    summary.observations = regression.observations();
    summary.noise_variance = regression.noise() * regression.outputscale();
    summary.device = device_;
    const std::vector<ParameterSpec>& specs = encoder_->space().parameters();
    for (std::size_t c = 0; c < encoder_->dimensions(); ++c)
      summary.lengthscales.emplace_back(specs[encoder_->columns()[c].parameter].name, std::exp(regression.theta()[c]));
    if (regression.observations() <= 500) summary.leave_one_out_r2 = model_->leave_one_out_r2().value_or(0);
  }

  SamplerOptions options_;
  GpRecipe recipe_;
  std::unique_ptr<Sampler> initial_;
  std::optional<space::Encoder> encoder_;
  std::optional<GpModel> model_;
  std::string device_;
};

}  // namespace

std::unique_ptr<Sampler> make_gp_sampler(const SamplerOptions& options, const GpRecipe& recipe) {
  return std::make_unique<GpSampler>(options, recipe);
}

std::unique_ptr<Sampler> make_gp_sampler(const SamplerOptions& options) { return make_gp_sampler(options, GpRecipe{}); }

}  // namespace warpbo::samplers
