/// Random points inside linear constraints.
#pragma once

#include "space/compiled.hpp"
#include "space/polytope.hpp"
#include "space/random.hpp"

#include <span>
#include <vector>

namespace warpbo::space {

/// Draws points of a polytope, however thin it is, by hit-and-run (Smith 1984): from a random mixture of vertices, steps along
/// one coordinate, along differences of vertices (which run along a thin set) and along random directions. The distribution
/// approaches the one that is uniform in encoded coordinates; a logarithmic parameter is uniform in its logarithm.
class InteriorSampler {
 public:
  /// Prepares the vertices. `compiled` must outlive the sampler.
  InteriorSampler(const Compiled& compiled, std::span<const double> x, std::span<const unsigned char> exists);

  /// False if no point was found: the set is empty, or its grid points are too hard to find.
  [[nodiscard]] bool feasible() const noexcept { return !vertices_.empty(); }
  /// Writes a random point into the entries of the free columns of `row`. Only if feasible().
  void draw(Random& random, std::span<double> row) const;
  /// Pulls the point that draw() wrote towards the middle by this fraction (continuous columns only).
  void pull_inside(double fraction, std::span<double> row) const;

 private:
  struct Chain;
  void step_coordinate(Chain& chain, std::size_t k, Random& random) const;
  void step_direction(Chain& chain, Random& random) const;
  void move(Chain& chain, std::size_t k, double to) const;
  void write(std::size_t k, double y, std::span<double> row) const;

  const Compiled& compiled_;
  Polytope polytope_;
  std::vector<std::vector<double>> vertices_;
  std::vector<double> middle_;           // the mean of the vertices
  std::vector<std::size_t> continuous_;  // coordinates that are continuous
};

}  // namespace warpbo::space
