/// The default strategy: the Gaussian process wherever it can be afforded.
#include "samplers/builtin.hpp"
#include "samplers/shared_fit.hpp"
#include "space/encoder.hpp"

#include <algorithm>

namespace warpbo::samplers {

namespace {

/// Beyond these sizes an exact process costs more than it tells within one ask; evolution goes on with what the history taught.
constexpr std::size_t kMostObservations = 20000;
constexpr std::size_t kMostDimensions = 1000;

class AutomaticSampler final : public Sampler, public SharedFit {
 public:
  AutomaticSampler(const SamplerOptions& options, const BackendOpener& open)
      : gp_(make_gp_sampler(options, open)), evolution_(make_differential_evolution_sampler(options)) {}

  [[nodiscard]] std::string name() const override { return "auto"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    return (affordable(request) ? gp_ : evolution_)->suggest(request);
  }

  [[nodiscard]] std::size_t kept_bytes() const noexcept override { return gp_->kept_bytes() + evolution_->kept_bytes(); }
  void release() override {
    gp_->release();
    evolution_->release();
  }

  [[nodiscard]] std::optional<Search> next_search(const SuggestRequest& request) override {
    auto* shared = dynamic_cast<SharedFit*>(gp_.get());
    return shared != nullptr && affordable(request) ? shared->next_search(request) : std::nullopt;
  }
  void accept_search(const Search& search, const gp::FitReport& report) override {
    if (auto* shared = dynamic_cast<SharedFit*>(gp_.get())) shared->accept_search(search, report);
  }

 private:
  [[nodiscard]] static bool affordable(const SuggestRequest& request) {
    const auto& specs = request.space.parameters();
    const auto varied = std::count_if(specs.begin(), specs.end(),
                                      [](const ParameterSpec& spec) { return spec.kind != ParameterKind::constant; });
    return request.finished.size() <= kMostObservations && static_cast<std::size_t>(varied) <= kMostDimensions;
  }

  std::unique_ptr<Sampler> gp_;
  std::unique_ptr<Sampler> evolution_;
};

}  // namespace

std::unique_ptr<Sampler> make_automatic_sampler(const SamplerOptions& options, const BackendOpener& open) {
  return std::make_unique<AutomaticSampler>(options, open);
}

}  // namespace warpbo::samplers
