#include "samplers/builtin.hpp"
#include "samplers/point_walk.hpp"
#include "samplers/proposals.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace warpbo::samplers {
namespace {

/// How many points of the grid one request may look at; far beyond what a study visits, but constraints may exclude most
/// points.
constexpr std::int64_t kMostSteps = std::int64_t{1} << 22;

/// The points of the grid in order (see PointWalk), each once: the first ones that are open. With a noisy objective the walk
/// begins again when it has come to the end, so that every point is evaluated equally often.
class GridSampler final : public Sampler {
 public:
  explicit GridSampler(const SamplerOptions& options) : options_(options) {}
  [[nodiscard]] std::string name() const override { return "grid"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    return options_.noise == Noise::noisy ? suggest_in_rounds(request) : suggest_once(request);
  }

 private:
  SuggestResult suggest_once(const SuggestRequest& request) {
    Proposals proposals(encoders_.get(request.space), request, options_);
    PointWalk walk(proposals.region(), options_.grid_points);
    bool more = true;
    std::int64_t steps = 0;
    for (; more && steps < kMostSteps && !proposals.complete(); more = walk.next(), ++steps)
      proposals.propose(walk.row(), "grid");
    SuggestResult result = proposals.take();
    finish(result, request, more);
    return result;
  }

  SuggestResult suggest_in_rounds(const SuggestRequest& request) {
    const space::Encoder& encoder = encoders_.get(request.space);
    Proposals proposals(encoder, request, options_);
    std::map<std::vector<double>, std::int64_t> visits;
    const auto count_visits = [&](const EncodedTrials& trials) {
      for (std::size_t i = 0; i < trials.trials.size(); ++i) {
        const auto row = trials.row(i, encoder.dimensions());
        ++visits[{row.begin(), row.end()}];
      }
    };
    count_visits(proposals.finished());
    count_visits(encode_trials(encoder, request.pending));
    PointWalk walk(proposals.region(), options_.grid_points);
    // A round hands out the points with so many visits or fewer, the next one those with the least number above it.
    constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
    bool more = true;
    for (std::int64_t round = 0, next = 0; next != kNone && !proposals.complete(); round = next) {
      next = kNone;
      walk.to_first();
      more = true;
      for (std::int64_t steps = 0; more && steps < kMostSteps && !proposals.complete(); more = walk.next(), ++steps) {
        if (!proposals.region().admits(walk.row()) || proposals.failed(walk.row())) continue;
        std::int64_t& count = visits[walk.row()];
        if (count <= round) {
          ++count;
          proposals.accept(walk.row(), "grid");
        }
        next = std::min(next, std::max(count, round + 1));
      }
    }
    SuggestResult result = proposals.take();
    finish(result, request, more);
    return result;
  }

  static void finish(SuggestResult& result, const SuggestRequest& request, bool stopped_early) {
    if (std::ssize(result.suggestions) >= request.count) return;
    result.exhausted = true;
    if (stopped_early) {
      result.degraded.push_back("The grid was left after " + std::to_string(kMostSteps) +
                                " points without enough that the constraints allow; use a coarser grid or another sampler.");
    }
  }

  SamplerOptions options_;
  EncoderCache encoders_;
};

}  // namespace

std::unique_ptr<Sampler> make_grid_sampler(const SamplerOptions& options) { return std::make_unique<GridSampler>(options); }

}  // namespace warpbo::samplers
