/// Hyperparameter searches that can be made for many studies at once, before each is asked.
#pragma once

#include "gp/fit.hpp"
#include "samplers/gp_plan.hpp"

#include <warpbo/sampler.hpp>

#include <optional>

namespace warpbo::samplers {

/// A sampler whose `suggest` begins with searches that somebody else may make for it. Making them changes when the work is
/// done, not what comes out: a search that was not accepted, or was made for other data, is made by `suggest` itself. Use from
/// one thread at a time, as `suggest`.
class SharedFit {
 public:
  struct Search {
    GpPlan::Due due;
    gp::Settings settings;
    [[nodiscard]] gp::FitTask task() const { return due.task(settings); }
  };

  virtual ~SharedFit() = default;
  /// The search with which suggest(request) would begin; nothing if it begins with none, with one too large to share a batch,
  /// or has a time limit of its own.
  [[nodiscard]] virtual std::optional<Search> next_search(const SuggestRequest& request) = 0;
  virtual void accept_search(const Search& search, const gp::FitReport& report) = 0;
};

}  // namespace warpbo::samplers
