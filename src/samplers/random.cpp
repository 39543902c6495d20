#include "samplers/builtin.hpp"
#include "samplers/proposals.hpp"

namespace warpbo::samplers {
namespace {

/// Uniform in the encoded space: proposal i of a request stands at position draw + i of the random stream.
class RandomSampler final : public Sampler {
 public:
  explicit RandomSampler(const SamplerOptions& options) : options_(options) {}
  [[nodiscard]] std::string name() const override { return "random"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    Proposals proposals(encoders_.get(request.space), request, options_);
    while (!proposals.complete()) {
      if (!proposals.propose_random(request.draw + proposals.proposed(), "random")) break;
    }
    return proposals.take();
  }

 private:
  SamplerOptions options_;
  EncoderCache encoders_;
};

}  // namespace

std::unique_ptr<Sampler> make_random_sampler(const SamplerOptions& options) { return std::make_unique<RandomSampler>(options); }

}  // namespace warpbo::samplers
