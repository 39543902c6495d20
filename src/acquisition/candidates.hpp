/// Where to look first: thousands of points to score before any of them is climbed from.
#pragma once

#include "acquisition/search_domain.hpp"

#include "math/philox.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::acquisition {

struct CandidateOptions {
  std::int64_t count = 2048;                              ///< in all
  std::vector<double> incumbents;                         ///< row-major: good points to look around, best first
  std::vector<double> scales = {0.2, 0.05, 0.01, 0.001};  ///< standard deviations of the perturbations, in units of the cube
  double global_share = 0.6;                              ///< share of points spread over the whole domain
  std::uint64_t seed = 0;
};

/// Feasible, snapped points, row-major; admissible ones only, without repeats. A finite domain with at most `count` points left
/// is listed completely; otherwise a scrambled Sobol' sample of the domain and perturbations of the incumbents. In many
/// dimensions a perturbation moves about 20 coordinates at a time (Regis & Shoemaker 2013; Eriksson et al. 2019).
[[nodiscard]] std::vector<double> make_candidates(const SearchDomain& domain, const CandidateOptions& options);

/// Moves a snapped point by steps of about `scale` in some of its movable columns (other levels in categorical ones) and snaps
/// it.
void perturb(const SearchDomain& domain, double scale, math::PhiloxSequence& random, std::span<double> row);

}  // namespace warpbo::acquisition
