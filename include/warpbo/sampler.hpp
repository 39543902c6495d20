/// Samplers: the strategies that propose trials. `Study` drives them; implement `Sampler` to plug in your own.
#pragma once

#include <warpbo/device.hpp>
#include <warpbo/export.hpp>
#include <warpbo/space.hpp>
#include <warpbo/trial.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo {

enum class Direction { minimize, maximize };

/// Whether the objective gives the same value for the same parameters.
enum class Noise {
  infer,          ///< learn the noise variance from the data
  deterministic,  ///< repeated evaluations agree: points are never proposed twice
  noisy,          ///< repeated evaluations differ: the incumbent is integrated over, points of a finite space may be repeated
};

/// What the Gaussian-process strategy maximizes.
enum class AcquisitionFunction {
  expected_improvement,  ///< LogEI; for batches and pending trials its joint form, greedily
  confidence_bound,      ///< mean - `ucb_coefficient` * standard deviation: explores more, the larger the coefficient
  thompson,              ///< every trial minimizes a function of its own, drawn from the posterior
  /// GP-UCB-PE (Contal et al. 2013, arXiv 1304.5350): one trial minimizes the confidence bound; all others, of the same batch
  /// or until its value is told, explore the region that may still hold the optimum, each where the variance is largest.
  pure_exploration,
};

/// "logei", "ucb", "thompson" or "ucb-pe"; throws `invalid_argument` otherwise.
WARPBO_EXPORT AcquisitionFunction parse_acquisition(std::string_view name);

/// Which strategy proposes.
enum class SamplerKind {
  automatic,  ///< chooses among the others from the space, the history and the batch size
  gp,         ///< Gaussian process with (q)LogEI
  random,     ///< uniform in the space
  /// Every point of a grid once, then exhausted (with `Noise::noisy`: round after round). Real parameters without step take
  /// `grid_points` values. Order: nested loops over the parameters as declared, the first slowest, each from its lowest value
  /// or first choice up.
  grid,
  sobol,                   ///< scrambled Sobol' sequence
  differential_evolution,  ///< L-SHADE-like adaptive differential evolution
  trust_region,            ///< Gaussian process in a box around the best point that grows with success and shrinks with failure
};

/// "auto", "gp", "random", "grid", "sobol", "de", "trust".
WARPBO_EXPORT std::string_view to_string(SamplerKind kind) noexcept;
/// The reverse; throws `invalid_argument` and lists the names.
WARPBO_EXPORT SamplerKind parse_sampler_kind(std::string_view name);

struct SamplerOptions {
  SamplerKind kind = SamplerKind::automatic;
  std::uint64_t seed = 0;  ///< the same seed, history and options give the same proposals
  Noise noise = Noise::infer;
  Device device = Device::automatic();
  AcquisitionFunction acquisition = AcquisitionFunction::expected_improvement;  ///< gp only
  double ucb_coefficient = 1.8;  ///< of `confidence_bound`, also in `pure_exploration`; >= 0
  /// Of `trust`: how many regions are searched at once, from 1 to 1,000. They share a batch equally and take turns at single
  /// trials.
  int trust_regions = 1;
  int initial_trials = 0;  ///< quasi-random trials before the model; 0 chooses from the dimension
  int grid_points = 10;    ///< values per real parameter without step, for `grid`
  /// Limit of the time that one ask takes, in seconds; 0: none. When it strikes, what has been chosen so far is returned,
  /// completed by quasi-random points, and "warpbo:degraded" says what was given up: a search for hyperparameters that ended
  /// early, observations that were left out because the factor of all of them would take too long. A single step (one factor,
  /// one pick of a batch) is not interrupted. With a limit, the same seed gives the same proposals only where it does not
  /// strike. gp and trust only; the other strategies take no time.
  double max_seconds_per_ask = 0;
};

/// Everything a proposal may depend on. All trials belong to one study; spans stay valid during the call.
struct SuggestRequest {
  const Space& space;
  std::span<const Trial> finished;  ///< complete, pruned and failed trials, by number
  std::span<const Trial> pending;   ///< running and waiting trials: proposed but not told
  Direction direction = Direction::minimize;
  int count = 1;           ///< how many proposals are wanted (q)
  Parameters fixed;        ///< values that every proposal must take; empty for none
  std::uint64_t draw = 0;  ///< how many trials the study had already created: the position in the random stream
};

/// One proposal and how it came about.
struct Suggestion {
  Parameters parameters;
  std::string origin;  ///< for example "sobol", "gp/logei", "trust/qlogei@1.120", "additive/minimum"
};

/// What a person may want to know about the model behind the last proposals. Zeros when no model was used.
struct ModelSummary {
  std::string kind;                                          ///< "gp", or empty
  std::int64_t observations = 0;                             ///< points the model was fitted to
  double noise_variance = 0;                                 ///< relative to the variance of the (warped) targets
  std::vector<std::pair<std::string, double>> lengthscales;  ///< per parameter, in units of its encoded range; small = relevant
  double leave_one_out_r2 = 0;  ///< 1 - squared leave-one-out error / variance, of the warped targets
  /// Logarithm of the improvement that the first proposal was expected to bring, in standard deviations of the (warped)
  /// targets.
  double log_expected_improvement = 0;
  double fit_seconds = 0;
  double suggest_seconds = 0;
  std::string device;  ///< "cpu", "cuda:0"
};

struct SuggestResult {
  std::vector<Suggestion> suggestions;  ///< fewer than asked only when `exhausted`
  bool exhausted = false;               ///< a finite space has no unproposed point left
  std::vector<std::string> degraded;    ///< what had to be given up for this call, one sentence each
  std::string notice;                   ///< what a person should know once (why there is no GPU); empty: nothing
  ModelSummary model;
};

/// A strategy. `suggest` is called by one thread at a time per object; it may keep caches between calls, but its answer must be
/// a function of the request and the options alone, so that any process can continue a study.
class WARPBO_EXPORT Sampler {
 public:
  virtual ~Sampler();
  virtual SuggestResult suggest(const SuggestRequest& request) = 0;
  /// Roughly the bytes that it keeps between calls and `release` gives back. Called, as `release`, by one thread at a time and
  /// never during `suggest`.
  [[nodiscard]] virtual std::size_t kept_bytes() const noexcept { return 0; }
  /// Gives them back; the next call makes them again. A `Fleet` does so with the studies that were not used lately.
  virtual void release() {}
  [[nodiscard]] virtual std::string name() const = 0;
};

/// Makes one of the built-in strategies.
WARPBO_EXPORT std::unique_ptr<Sampler> make_sampler(const SamplerOptions& options);

}  // namespace warpbo
