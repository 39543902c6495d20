#include "samplers/main_effects.hpp"

#include "gp/additive.hpp"
#include "gp/warp.hpp"
#include "math/philox.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace warpbo::samplers {

namespace {

constexpr const char* kOrigin = "additive/minimum";
constexpr std::int64_t kPlaces = 513;  // among which a continuous parameter's best value is sought first
constexpr int kTries = 8;              // functions for a single trial
constexpr double kFlat = 1e-12;        // sum of squares of standardized values, which is their number unless they are all equal

/// A generous guess at how long a fit takes.
double seconds_of(std::int64_t observations, std::int64_t features) {
  const auto n = static_cast<double>(observations), size = static_cast<double>(features);
  return 3e-8 * size * std::min(n, size) * std::min(n, size);
}

gp::AdditiveColumn column_of(const GpDomain& domain, std::size_t c) {
  const acquisition::DomainColumn& column = domain.columns()[c];
  gp::AdditiveColumn out;
  out.categorical = column.categorical;
  out.continuous = !column.categorical && (column.continuous || column.levels > kPlaces);
  const std::int64_t places = out.continuous ? kPlaces : column.levels;
  for (std::int64_t p = 0; p < places; ++p)
    out.places.push_back(out.categorical ? static_cast<double>(p)
                                         : (out.continuous ? static_cast<double>(p) / static_cast<double>(kPlaces - 1)
                                                           : domain.level_value(c, p)));
  return out;
}

/// Leave-one-out R2 of predictions, both seen through a map.
double r2_through(const gp::Warp& warp, const std::vector<double>& values, const std::vector<double>& predictions) {
  const std::vector<double> observed = gp::warp_like(values, warp, values),
                            predicted = gp::warp_like(values, warp, predictions);
  double residual = 0, total = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    residual += (observed[i] - predicted[i]) * (observed[i] - predicted[i]);
    total += observed[i] * observed[i];
  }
  return total > kFlat ? 1 - residual / total : 0;
}

/// The worse of the two ways in which the Gaussian process may see the targets: what predicts bad values well and good ones
/// badly, or the other way round, is no better than it.
double prediction_r2(const gp::AdditiveModel& model, const std::vector<double>& values) {
  const std::vector<double> predictions = model.leave_one_out();
  if (predictions.size() != values.size()) return 0;
  return std::min(r2_through({gp::Warp::Kind::compressed}, values, predictions),
                  r2_through({gp::Warp::Kind::logarithm}, values, predictions));
}

/// The best observation that is a point of the domain once what the request fixes is imposed; empty without one.
std::vector<double> best_row(const Observations& data, const GpDomain& domain) {
  const std::size_t d = domain.columns().size();
  std::vector<std::size_t> order(data.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return data.values[a] < data.values[b]; });
  for (const std::size_t i : order) {
    const auto begin = data.rows.begin() + static_cast<std::ptrdiff_t>(i * d);
    std::vector<double> row(begin, begin + static_cast<std::ptrdiff_t>(d));
    domain.snap(row);
    if (domain.feasible(row)) return row;
  }
  return {};
}

/// Constraints are convex: a minimum that violates them is drawn towards a point that does not. False where that does not help.
bool pull_in(const GpDomain& domain, std::span<const double> towards, std::span<double> row) {
  const std::vector<double> minimum(row.begin(), row.end());
  for (double share = 1; share > 0.01; share *= 0.8) {
    for (std::size_t c = 0; c < row.size(); ++c)
      if (!domain.columns()[c].categorical) row[c] = towards[c] + share * (minimum[c] - towards[c]);
    domain.snap(row);
    if (domain.feasible(row)) return true;
    if (!domain.constrained()) break;
  }
  return false;
}

/// Points that a proposal must not come too near to.
class Neighbours {
 public:
  explicit Neighbours(double apart) : apart_(apart) {}

  void add(std::span<const double> rows) { rows_.insert(rows_.end(), rows.begin(), rows.end()); }
  [[nodiscard]] bool near(std::span<const double> row) const {
    const std::size_t d = row.size();
    for (std::size_t at = 0; at < rows_.size(); at += d) {
      bool same = true;
      for (std::size_t c = 0; same && c < d; ++c) same = std::fabs(rows_[at + c] - row[c]) < apart_;
      if (same) return true;
    }
    return false;
  }

 private:
  double apart_;
  std::vector<double> rows_;
};

}  // namespace

std::vector<Suggestion> MainEffects::suggest(const SuggestRequest& request, double other_r2, const Deadline& deadline) {
  const space::Encoder& encoder = encoders_.get(request.space);
  const auto d = static_cast<std::int64_t>(encoder.dimensions());
  if (d == 0) return {};
  gp::AdditiveTerms terms;
  terms.waves = std::min(recipe_.waves, recipe_.waves_of_all / d);
  if (terms.waves < recipe_.least_waves) return {};
  Observations data = observe(encoder, request.finished, request.direction);
  if (data.successes == 0) return {};
  if (data.size() > recipe_.observations) data = best_and_latest(data, recipe_.observations, d);
  terms.polynomials = std::clamp<std::int64_t>(data.size() / d - terms.waves, 2, recipe_.polynomials);
  if (deadline.limited() && seconds_of(data.size(), d * terms.count()) > deadline.left()) return {};

  const Region region(encoder, request.fixed);
  GpDomain domain(region);
  std::vector<gp::AdditiveColumn> columns;
  for (std::size_t c = 0; c < encoder.dimensions(); ++c) columns.push_back(column_of(domain, c));
  auto model = gp::AdditiveModel::fit(backend::make_cpu_backend(), std::move(columns), terms, data.rows, data.values);
  if (!model || prediction_r2(*model, data.values) < other_r2 - recipe_.hopeless * (1 - other_r2)) return {};
  model->refine();
  if (!(prediction_r2(*model, data.values) > std::max(other_r2, recipe_.least_r2))) return {};

  const std::uint64_t seed = math::mix64(options_.seed ^ math::mix64(request.draw + 0x6d61696e));
  return propose(request, data, domain, model->minimizers(spreads_of(request.count, seed), seed));
}

/// Of a batch, from draws to what is nearly the mean. A single trial has any of these; where its minimum is known already,
/// wider ones are tried.
std::vector<double> MainEffects::spreads_of(int count, std::uint64_t seed) const {
  const int functions = count == 1 ? kTries : count;
  const double first = math::philox_uniform(seed, 0, 0, 0);
  std::vector<double> out;
  for (int i = 0; i < functions; ++i) {
    const double share = static_cast<double>(i) / (functions - 1);
    out.push_back(std::pow(recipe_.least_spread, count == 1 ? first * (1 - share) : share));
  }
  return out;
}

std::vector<Suggestion> MainEffects::propose(const SuggestRequest& request, const Observations& data, const GpDomain& domain,
                                             const std::vector<double>& rows) const {
  const space::Encoder& encoder = domain.region().encoder();
  const std::size_t d = encoder.dimensions();
  Neighbours neighbours(recipe_.apart);
  if (options_.noise != Noise::noisy) neighbours.add(data.rows);
  neighbours.add(data.failed_rows);
  neighbours.add(encode_trials(encoder, request.pending).rows);
  const std::vector<double> best = best_row(data, domain);
  if (best.empty()) return {};
  std::vector<Suggestion> out;
  std::vector<double> row(d);
  for (std::size_t at = 0; at < rows.size() && std::ssize(out) < request.count; at += d) {
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(at), d, row.begin());
    if (!pull_in(domain, best, row) || !domain.admissible(row) || neighbours.near(row)) continue;
    neighbours.add(row);
    out.push_back({domain.region().decode(row), kOrigin});
  }
  return out;
}

bool main_effects_beaten(const SuggestRequest& request, std::size_t latest) {
  double best = std::numeric_limits<double>::infinity(), best_of_others = best;
  std::size_t seen = 0;
  for (auto trial = request.finished.rbegin(); trial != request.finished.rend() && seen < latest; ++trial) {
    const bool is_own = came_from(*trial, kOrigin);
    seen += is_own ? 1 : 0;
    double& value = is_own ? best : best_of_others;
    value = std::min(value, target(*trial, request.direction));
  }
  return seen == latest && best_of_others < best;
}

}  // namespace warpbo::samplers
