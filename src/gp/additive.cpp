#include "gp/additive.hpp"

#include "gp/additive_basis.hpp"
#include "gp/additive_posterior.hpp"
#include "gp/standardize.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>

namespace warpbo::gp {

namespace {

constexpr double kLeastAmplitude = 1e-9, kLeastStep = 1e-6;
/// Where there are fewer observations than features, less noise than the first cannot be told from none: a model that believes
/// there is none proposes with too much confidence. The second is what the arithmetic bears.
constexpr double kLeastNoiseOfFew = 1e-7, kLeastNoise = 1e-11;
/// So many columns more, with the spectrum of a start, have a say in the spectrum: what only the columns' own data tell would
/// fit their noise, and leaving one out would not show it.
constexpr double kPseudoColumns = 5;
/// Spectra of smooth functions and of ripples: lengthscales of a Matern-5/2 process on the unit interval.
constexpr double kSmooth = 0.6, kRippled = 0.05;
constexpr int kFirstSteps = 4, kTrialSteps = 4, kFinalSteps = 12;
constexpr std::size_t kFinalists = 2;
constexpr std::int64_t kMinimaAtOnce = 1024;

struct Candidate {
  AdditivePrior prior;
  std::vector<double> base;  // the spectrum where its search began
  AdditivePosterior::Moments moments;
};

/// Half for the polynomials and half for the cosines, each by the spectral density of a Matern-5/2 process: a polynomial of
/// degree j + 1 has about as many turns as the j-th cosine, and those of degree 1 and 2 none that a smooth function lacks.
std::vector<double> start_spectrum(const AdditiveTerms& terms, double lengthscale) {
  const auto density = [lengthscale](std::int64_t j) {
    const double omega = std::numbers::pi * static_cast<double>(j) * lengthscale;
    return std::pow(1 + omega * omega / 5, -3);
  };
  std::vector<double> polynomials, cosines;
  for (std::int64_t k = 1; k <= terms.polynomials; ++k) polynomials.push_back(density(std::max<std::int64_t>(k - 1, 1)));
  for (std::int64_t j = 1; j <= terms.waves; ++j) cosines.push_back(density(j));
  std::vector<double> out;
  for (const std::vector<double>* part : {&polynomials, &cosines}) {
    const double sum = std::accumulate(part->begin(), part->end(), 0.0);
    for (const double share : *part) out.push_back(0.5 * share / sum);
  }
  return out;
}

/// The search for the prior with the most evidence.
class Search {
 public:
  Search(const AdditiveBasis& basis, const AdditivePosterior& posterior) : basis_(basis), posterior_(posterior) {}

  /// Which of the evidence's maxima is reached depends on the start, and what explains the data on how much of it is noise.
  [[nodiscard]] std::vector<AdditivePrior> starts() const {
    const std::vector<double> amplitudes(basis_.columns(), 1.0 / static_cast<double>(basis_.columns()));
    const std::vector<double> smooth = start_spectrum(basis_.terms(), kSmooth);
    std::vector<double> mixed = start_spectrum(basis_.terms(), kRippled);
    for (std::size_t j = 0; j < mixed.size(); ++j) mixed[j] = (mixed[j] + smooth[j]) / 2;
    return {{amplitudes, smooth, 1e-2}, {amplitudes, smooth, 1e-4}, {amplitudes, mixed, 0.3}, {amplitudes, mixed, 1e-4}};
  }

  /// The best of a prior and what `steps` steps make of it.
  [[nodiscard]] std::optional<Candidate> from(AdditivePrior prior, const std::vector<double>& base, int steps) const {
    std::optional<Candidate> best;
    for (int step = 0; step <= steps; ++step) {
      auto moments = posterior_.moments(basis_.variances(prior), prior.noise);
      if (!moments) break;
      AdditivePrior next = improved(prior, base, *moments);
      if (!best || moments->log_evidence > best->moments.log_evidence)
        best = Candidate{std::move(prior), base, std::move(*moments)};
      prior = std::move(next);
    }
    return best;
  }

  /// The same for a candidate, whose moments are known.
  [[nodiscard]] Candidate on(Candidate candidate, int steps) const {
    auto found = from(improved(candidate.prior, candidate.base, candidate.moments), candidate.base, steps - 1);
    return found && better(*found, candidate) ? std::move(*found) : std::move(candidate);
  }

  static bool better(const Candidate& a, const Candidate& b) { return a.moments.log_evidence > b.moments.log_evidence; }

 private:
  /// One step of expectation maximization: with E[w_kj^2] at hand, the amplitudes for the old spectrum, then the spectrum for
  /// the new amplitudes.
  [[nodiscard]] AdditivePrior improved(const AdditivePrior& prior, const std::vector<double>& base,
                                       const AdditivePosterior::Moments& moments) const {
    AdditivePrior out = prior;
    std::vector<double> relative(base.size(), 0.0);  // sum over columns of E[w_kj^2] / (a_k s_j)
    for (std::size_t c = 0; c < basis_.columns(); ++c) {
      const double* second = moments.second.data() + basis_.first(c);
      const double mean =
          std::max(std::accumulate(second, second + basis_.count(c), 0.0) / static_cast<double>(basis_.count(c)), kLeastStep);
      out.amplitudes[c] = std::max(prior.amplitudes[c] * mean, kLeastAmplitude);
      if (basis_.categorical(c)) continue;
      for (std::size_t j = 0; j < relative.size(); ++j) relative[j] += second[j] / mean;
    }
    double sum = 0;
    for (std::size_t j = 0; j < relative.size(); ++j) {
      out.spectrum[j] = relative[j] * prior.spectrum[j] + kPseudoColumns * base[j];
      sum += out.spectrum[j];
    }
    for (double& share : out.spectrum) share /= sum;
    const double left = std::max(static_cast<double>(posterior_.observations()) - moments.freedom, 1.0);
    out.noise =
        std::max(moments.residual / left, posterior_.observations() < posterior_.features() ? kLeastNoiseOfFew : kLeastNoise);
    return out;
  }

  const AdditiveBasis& basis_;
  const AdditivePosterior& posterior_;
};

}  // namespace

struct AdditiveModel::State {
  State(std::shared_ptr<backend::Backend> engine, std::vector<AdditiveColumn> all, AdditiveTerms terms,
        std::span<const double> points, std::span<const double> targets)
      : backend(std::move(engine)),
        columns(std::move(all)),
        basis(columns, terms),
        standard(Standardization::of(targets)),
        posterior(backend, basis.matrix(points), standardized(targets)) {}

  [[nodiscard]] std::vector<double> standardized(std::span<const double> targets) const {
    std::vector<double> out;
    for (const double y : targets) out.push_back(standard.forward(y));
    return out;
  }
  [[nodiscard]] std::vector<double> variances() const { return basis.variances(found.prior); }

  std::shared_ptr<backend::Backend> backend;
  std::vector<AdditiveColumn> columns;
  AdditiveBasis basis;
  Standardization standard;
  AdditivePosterior posterior;
  Candidate found;
};

std::optional<AdditiveModel> AdditiveModel::fit(std::shared_ptr<backend::Backend> backend, std::vector<AdditiveColumn> columns,
                                                AdditiveTerms terms, std::span<const double> points,
                                                std::span<const double> targets) {
  auto state = std::make_unique<State>(std::move(backend), std::move(columns), terms, points, targets);
  const Search search(state->basis, state->posterior);
  std::vector<Candidate> candidates;
  for (const AdditivePrior& start : search.starts())
    if (auto found = search.from(start, start.spectrum, kFirstSteps)) candidates.push_back(std::move(*found));
  if (candidates.empty()) return std::nullopt;
  std::stable_sort(candidates.begin(), candidates.end(), Search::better);
  candidates.resize(std::min(candidates.size(), kFinalists));
  for (Candidate& candidate : candidates) candidate = search.on(std::move(candidate), kTrialSteps);
  state->found = std::move(*std::min_element(candidates.begin(), candidates.end(), Search::better));
  return AdditiveModel(std::move(state));
}

void AdditiveModel::refine() {
  state_->found = Search(state_->basis, state_->posterior).on(std::move(state_->found), kFinalSteps);
}

AdditiveModel::AdditiveModel(std::unique_ptr<State> state) : state_(std::move(state)) {}

AdditiveModel::~AdditiveModel() = default;
AdditiveModel::AdditiveModel(AdditiveModel&&) noexcept = default;
AdditiveModel& AdditiveModel::operator=(AdditiveModel&&) noexcept = default;

const AdditivePrior& AdditiveModel::prior() const noexcept { return state_->found.prior; }
double AdditiveModel::log_evidence() const noexcept { return state_->found.moments.log_evidence; }

std::vector<double> AdditiveModel::leave_one_out() const {
  std::vector<double> out = state_->posterior.leave_one_out(state_->variances(), state_->found.prior.noise);
  for (double& y : out) y = state_->standard.backward(y);
  return out;
}

std::vector<double> AdditiveModel::mean(std::span<const double> points) const {
  const std::vector<double> features = state_->basis.matrix(points), variances = state_->variances();
  const std::size_t n = features.size() / variances.size();
  std::vector<double> out(n, 0.0);
  for (std::size_t j = 0; j < variances.size(); ++j) {
    const double weight = std::sqrt(variances[j]) * state_->found.moments.mean[j];
    for (std::size_t i = 0; i < n; ++i) out[i] += weight * features[j * n + i];
  }
  for (double& y : out) y = state_->standard.backward(y);
  return out;
}

namespace {

/// Where the parabola through three equally spaced values has its minimum, in steps from the middle one; at most one.
double vertex(double left, double middle, double right) {
  const double curvature = left - 2 * middle + right;
  return curvature > 0 ? std::clamp(0.5 * (left - right) / curvature, -1.0, 1.0) : 0;
}

/// The minimum of a column's effect, from its values at the column's places: between them by parabolas through ever closer
/// values, each of which leaves an error that is quadratic in their distance.
template <class Effect>
double minimizer(const AdditiveColumn& column, const double* values, const Effect& effect) {
  const std::size_t count = column.places.size();
  const auto best = static_cast<std::size_t>(std::min_element(values, values + count) - values);
  if (!column.continuous || best == 0 || best + 1 == count) return column.places[best];
  double step = column.places[best + 1] - column.places[best];
  double x = column.places[best] + step * vertex(values[best - 1], values[best], values[best + 1]);
  for (int closer = 0; closer < 2; ++closer) {
    step /= 8;
    x = std::clamp(x + step * vertex(effect(x - step), effect(x), effect(x + step)), column.places[best - 1],
                   column.places[best + 1]);
  }
  return x;
}

}  // namespace

std::vector<double> AdditiveModel::minimizers(std::span<const double> spreads, std::uint64_t seed) const {
  const State& s = *state_;
  const std::vector<double> weights = s.posterior.draws(s.variances(), s.found.prior.noise, spreads, seed);
  const std::size_t d = s.basis.columns();
  if (weights.empty()) return {};
  std::vector<double> out(spreads.size() * d);
  backend::Arena arena(s.backend);
  for (std::size_t c = 0; c < d; ++c) {
    const auto places = std::ssize(s.columns[c].places), count = s.basis.count(c);
    std::vector<double> table(static_cast<std::size_t>(places * count));
    for (std::int64_t p = 0; p < places; ++p)
      s.basis.evaluate(c, s.columns[c].places[static_cast<std::size_t>(p)], table.data() + p, places);
    for (std::int64_t begin = 0; begin < std::ssize(spreads); begin += kMinimaAtOnce) {
      backend::Arena::Scope scope(arena);
      const std::int64_t q = std::min(kMinimaAtOnce, std::ssize(spreads) - begin);
      const backend::Matrix features = arena.matrix(places, count), drawn = arena.matrix(count, q),
                            effects = arena.matrix(places, q);
      std::vector<double> own;
      for (std::int64_t i = 0; i < q; ++i) {
        const auto first = weights.begin() + (begin + i) * s.basis.size() + s.basis.first(c);
        own.insert(own.end(), first, first + count);
      }
      s.backend->upload(features.data, table.data(), table.size() * sizeof(double));
      s.backend->upload(drawn.data, own.data(), own.size() * sizeof(double));
      s.backend->run(backend::Multiply{features, false, false, drawn, false, 1, 0, effects});
      std::vector<double> values(static_cast<std::size_t>(places * q));
      s.backend->download(values.data(), effects.data, values.size() * sizeof(double));
      std::vector<double> row(static_cast<std::size_t>(count));
      for (std::int64_t i = 0; i < q; ++i) {
        const auto effect = [&](double x) {
          s.basis.evaluate(c, x, row.data());
          return std::inner_product(row.begin(), row.end(), own.begin() + i * count, 0.0);
        };
        out[static_cast<std::size_t>(begin + i) * d + c] = minimizer(s.columns[c], values.data() + i * places, effect);
      }
    }
  }
  return out;
}

}  // namespace warpbo::gp
