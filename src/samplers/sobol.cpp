#include "math/sobol.hpp"

#include "samplers/builtin.hpp"
#include "samplers/proposals.hpp"

#include <vector>

namespace warpbo::samplers {
namespace {

/// Scrambled Sobol' points, one coordinate per column: proposal i of a request is point draw + i, so that processes that ask at
/// different draws continue one sequence. Where the space is constrained, a point outside is redrawn by the encoder; where the
/// point is taken already (finite spaces), an open one is drawn at random.
class SobolSampler final : public Sampler {
 public:
  explicit SobolSampler(const SamplerOptions& options) : options_(options) {}
  [[nodiscard]] std::string name() const override { return "sobol"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    const space::Encoder& encoder = encoders_.get(request.space);
    Proposals proposals(encoder, request, options_);
    std::vector<double> uniforms(encoder.dimensions()), row(encoder.dimensions());
    while (!proposals.complete()) {
      const std::uint64_t index = request.draw + proposals.proposed();
      for (std::size_t c = 0; c < uniforms.size(); ++c) {
        uniforms[c] = math::sobol_uniform(math::sobol_directions(), options_.seed, index, c);
      }
      const bool drawn = proposals.region().draw(uniforms, math::mix64(options_.seed ^ math::mix64(index)), row);
      if (drawn && proposals.propose(row, "sobol")) continue;
      if (!proposals.propose_random(index, "sobol/random")) break;
    }
    return proposals.take();
  }

 private:
  SamplerOptions options_;
  EncoderCache encoders_;
};

}  // namespace

std::unique_ptr<Sampler> make_sobol_sampler(const SamplerOptions& options) { return std::make_unique<SobolSampler>(options); }

}  // namespace warpbo::samplers
