/// The default strategy: the Gaussian process wherever it can be afforded.
#include "samplers/builtin.hpp"
#include "space/encoder.hpp"

#include <algorithm>

namespace warpbo::samplers {

namespace {

/// Beyond these sizes an exact process costs more than it tells within one ask; evolution goes on with what the history taught.
constexpr std::size_t kMostObservations = 20000;
constexpr std::size_t kMostDimensions = 1000;

class AutomaticSampler final : public Sampler {
 public:
  explicit AutomaticSampler(const SamplerOptions& options)
      : gp_(make_gp_sampler(options)), evolution_(make_differential_evolution_sampler(options)) {}

  [[nodiscard]] std::string name() const override { return "auto"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    const auto& specs = request.space.parameters();
    const auto varied = std::count_if(specs.begin(), specs.end(),
                                      [](const ParameterSpec& spec) { return spec.kind != ParameterKind::constant; });
    const bool affordable = request.finished.size() <= kMostObservations && static_cast<std::size_t>(varied) <= kMostDimensions;
    return (affordable ? gp_ : evolution_)->suggest(request);
  }

 private:
  std::unique_ptr<Sampler> gp_;
  std::unique_ptr<Sampler> evolution_;
};

}  // namespace

std::unique_ptr<Sampler> make_automatic_sampler(const SamplerOptions& options) {
  return std::make_unique<AutomaticSampler>(options);
}

}  // namespace warpbo::samplers
