#include "base/text.hpp"

#include <warpbo/error.hpp>
#include <warpbo/sampler.hpp>

#include <array>
#include <string>
#include <utility>

namespace warpbo {
namespace {

constexpr std::array<std::pair<SamplerKind, std::string_view>, 7> kNames = {{{SamplerKind::automatic, "auto"},
                                                                             {SamplerKind::gp, "gp"},
                                                                             {SamplerKind::random, "random"},
                                                                             {SamplerKind::grid, "grid"},
                                                                             {SamplerKind::sobol, "sobol"},
                                                                             {SamplerKind::differential_evolution, "de"},
                                                                             {SamplerKind::trust_region, "trust"}}};

}  // namespace

Sampler::~Sampler() = default;

std::string_view to_string(SamplerKind kind) noexcept {
  for (const auto& [value, name] : kNames) {
    if (value == kind) return name;
  }
  return "unknown";
}

AcquisitionFunction parse_acquisition(std::string_view name) {
  if (name == "logei") return AcquisitionFunction::expected_improvement;
  if (name == "ucb") return AcquisitionFunction::confidence_bound;
  if (name == "thompson") return AcquisitionFunction::thompson;
  if (name == "ucb-pe") return AcquisitionFunction::pure_exploration;
  throw Error(ErrorCode::invalid_argument,
              "there is no acquisition function " + text::quote(name) + "; choose logei, ucb, thompson or ucb-pe");
}

SamplerKind parse_sampler_kind(std::string_view name) {
  std::string names;
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
    names += (names.empty() ? "" : ", ") + std::string(known);
  }
  throw Error(ErrorCode::invalid_argument, "there is no sampler " + text::quote(name) + "; choose one of " + names);
}

}  // namespace warpbo
