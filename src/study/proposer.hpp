/// Runs a strategy and stands in for it where it fails.
#pragma once

#include "study/points.hpp"

#include <warpbo/sampler.hpp>

#include <memory>
#include <string>
#include <unordered_set>

namespace warpbo::study {

/// The keys (Points::key) of points that were proposed before.
struct KnownPoints {
  std::unordered_set<std::string> finished;
  std::unordered_set<std::string> pending;
  [[nodiscard]] bool contains(const std::string& key) const { return finished.contains(key) || pending.contains(key); }
};

/// Wraps a sampler so that every suggestion lies in the domain, takes the fixed values and is new. What the sampler does not
/// deliver (it threw, or a suggestion breaks a rule, which is a defect of the sampler) is replaced by scrambled Sobol' points,
/// and the result says so in `degraded`. Use from one thread at a time.
class Proposer {
 public:
  /// `repeats`: points may be proposed again (a noisy objective); then `known` is not looked at.
  Proposer(const Points& points, std::shared_ptr<Sampler> sampler, const SamplerOptions& options, bool repeats);

  /// The request's trials are the study's; `known` holds their keys. Throws what is no numeric matter: `unavailable`,
  /// `cancelled`, and the replacement's own errors.
  SuggestResult propose(const SuggestRequest& request, const KnownPoints& known);

  [[nodiscard]] bool repeats() const noexcept { return repeats_; }
  [[nodiscard]] Sampler& sampler() const noexcept { return *sampler_; }

 private:
  using Keys = std::unordered_set<std::string>;  // of what was chosen in this call

  SuggestResult run(const SuggestRequest& request);
  void accept(SuggestResult& from, const SuggestRequest& request, const KnownPoints& known, Keys& chosen,
              SuggestResult& into) const;
  void fill(const SuggestRequest& request, const KnownPoints& known, Keys& chosen, SuggestResult& into);
  Sampler& substitute();

  const Points& points_;
  std::shared_ptr<Sampler> sampler_;
  std::unique_ptr<Sampler> substitute_;  // made when first needed
  SamplerOptions options_;
  bool repeats_;
};

}  // namespace warpbo::study
