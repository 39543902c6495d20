#include "space/interior.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::space {

namespace {

constexpr std::size_t kMostVertices = 64;
constexpr int kNodes = 200;  // linear programs per vertex

}  // namespace

/// A point and how much room each row leaves it.
struct InteriorSampler::Chain {
  std::vector<double> y;
  std::vector<double> slack;
  std::vector<double> direction;
  std::vector<double> rate;
};

InteriorSampler::InteriorSampler(const Compiled& compiled, std::span<const double> x, std::span<const unsigned char> exists)
    : compiled_(compiled), polytope_(compiled, x, exists) {
  const std::size_t size = polytope_.variables().size();
  for (std::size_t k = 0; k < size; ++k)
    if (polytope_.domain(k).continuous()) continuous_.push_back(k);
  Random random(0x77617270U);  // a fixed seed: the vertices belong to the polytope, not to the draw
  std::vector<double> objective(size, 0.0);
  std::vector<double> point;
  for (std::size_t i = 0; i < std::min(2 * size + 8, kMostVertices); ++i) {
    // The extremes of each coordinate, then of random directions.
    for (std::size_t k = 0; k < size; ++k)
      objective[k] = i / 2 < size && size <= kMostVertices / 2 ? (i / 2 == k ? (i % 2 == 0 ? 1 : -1) : 0) : random.normal();
    const Found found = polytope_.find(objective, kNodes, point);
    if (found == Found::yes)
      vertices_.push_back(point);
    else if (vertices_.empty() && (found == Found::no || i >= 8))
      return;
  }
  middle_.assign(size, 0.0);
  for (const std::vector<double>& vertex : vertices_)
    for (std::size_t k = 0; k < size; ++k) middle_[k] += vertex[k] / static_cast<double>(vertices_.size());
}

void InteriorSampler::move(Chain& chain, std::size_t k, double to) const {
  const LinearProgram& program = polytope_.program();
  const double change = to - chain.y[k];
  for (std::size_t i = 0; i < program.rows(); ++i) chain.slack[i] -= program.matrix[i * program.variables + k] * change;
  chain.y[k] = to;
}

void InteriorSampler::step_coordinate(Chain& chain, std::size_t k, Random& random) const {
  const LinearProgram& program = polytope_.program();
  double low = 0;
  double high = 1;
  for (std::size_t i = 0; i < program.rows(); ++i) {
    const double coefficient = program.matrix[i * program.variables + k];
    if (coefficient == 0) continue;
    const double limit = chain.y[k] + std::max(chain.slack[i], 0.0) / coefficient;
    if (coefficient > 0)
      high = std::min(high, limit);
    else
      low = std::max(low, limit);
  }
  if (low > high) return;
  const Domain& domain = polytope_.domain(k);
  const double uniform = random.uniform();
  if (domain.continuous() && !domain.log()) return move(chain, k, low + uniform * (high - low));
  if (domain.continuous()) {
    const double from = std::log(polytope_.number(k, low));
    const double to = std::log(polytope_.number(k, high));
    return move(chain, k, std::clamp(polytope_.coordinate_of(k, std::exp(from + uniform * (to - from))), low, high));
  }
  const double last = static_cast<double>(domain.levels() - 1);
  const double first_level = std::ceil(low * last - 1e-9);
  const double last_level = std::floor(high * last + 1e-9);
  if (first_level > last_level) return;
  double level = 0;
  if (domain.log()) {
    const double half = domain.levels() > 1 ? (domain.number_at(1) - domain.number_at(0)) / 2 : 0;
    const double bottom = domain.number_at(static_cast<std::int64_t>(first_level));
    const double top = domain.number_at(static_cast<std::int64_t>(last_level)) + half;
    const double from = std::log(std::max(bottom - half, bottom / 2));
    level = static_cast<double>(domain.level_of_number(std::exp(from + uniform * (std::log(top) - from))));
  } else {
    level = first_level + std::floor(uniform * (last_level - first_level + 1));
  }
  move(chain, k, std::clamp(level, first_level, last_level) / last);
}

void InteriorSampler::step_direction(Chain& chain, Random& random) const {
  const LinearProgram& program = polytope_.program();
  std::fill(chain.direction.begin(), chain.direction.end(), 0.0);
  if (vertices_.size() > 1 && random.uniform() < 0.75) {
    const std::vector<double>& a = vertices_[random.below(vertices_.size())];
    const std::vector<double>& b = vertices_[random.below(vertices_.size())];
    for (const std::size_t k : continuous_) chain.direction[k] = a[k] - b[k];
  } else {
    for (const std::size_t k : continuous_) chain.direction[k] = random.normal();
  }
  // The chord of the polytope through the point.
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  const auto cut = [&](double room, double rate) {
    if (std::abs(rate) < 1e-14) return;
    if (rate > 0)
      high = std::min(high, std::max(room, 0.0) / rate);
    else
      low = std::max(low, std::max(room, 0.0) / rate);
  };
  for (std::size_t i = 0; i < program.rows(); ++i) {
    double rate = 0;
    for (const std::size_t k : continuous_) rate += program.matrix[i * program.variables + k] * chain.direction[k];
    chain.rate[i] = rate;
    cut(chain.slack[i], rate);
  }
  for (const std::size_t k : continuous_) {
    cut(1 - chain.y[k], chain.direction[k]);
    cut(chain.y[k], -chain.direction[k]);
  }
  if (!std::isfinite(low) || !std::isfinite(high) || !(low < high)) return;
  const double length = low + random.uniform() * (high - low);
  // Uniform along the chord in the user's units; for a density that is uniform in the logarithm, accept by the ratio of 1 / x.
  double log_ratio = 0;
  for (const std::size_t k : continuous_)
    if (polytope_.domain(k).log() && chain.direction[k] != 0)
      log_ratio += std::log(polytope_.number(k, chain.y[k])) -
                   std::log(polytope_.number(k, std::clamp(chain.y[k] + length * chain.direction[k], 0.0, 1.0)));
  if (log_ratio < 0 && random.uniform() >= std::exp(log_ratio)) return;
  for (const std::size_t k : continuous_) chain.y[k] = std::clamp(chain.y[k] + length * chain.direction[k], 0.0, 1.0);
  for (std::size_t i = 0; i < program.rows(); ++i) chain.slack[i] -= length * chain.rate[i];
}

void InteriorSampler::draw(Random& random, std::span<double> row) const {
  const LinearProgram& program = polytope_.program();
  const std::size_t size = program.variables;
  Chain chain;
  chain.direction.assign(size, 0.0);
  chain.rate.assign(program.rows(), 0.0);
  chain.y = vertices_[random.below(vertices_.size())];
  if (continuous_.size() == size) {
    // A mixture of all vertices with exponential weights lies inside; with grids, mixtures would leave the levels.
    double total = 0;
    std::fill(chain.y.begin(), chain.y.end(), 0.0);
    for (const std::vector<double>& vertex : vertices_) {
      const double weight = random.exponential();
      total += weight;
      for (std::size_t k = 0; k < size; ++k) chain.y[k] += weight * vertex[k];
    }
    for (double& y : chain.y) y = total > 0 ? std::clamp(y / total, 0.0, 1.0) : 0;
    if (!(total > 0)) chain.y = middle_;
  }
  chain.slack = program.bound;
  for (std::size_t i = 0; i < program.rows(); ++i)
    for (std::size_t k = 0; k < size; ++k) chain.slack[i] -= program.matrix[i * size + k] * chain.y[k];
  const std::size_t steps = std::min<std::size_t>(30 + 10 * size, 3000);
  for (std::size_t step = 0; size > 0 && step < steps; ++step) {
    if (continuous_.size() > 1 && step % 2 == 0)
      step_direction(chain, random);
    else
      step_coordinate(chain, random.below(size), random);
  }
  for (std::size_t k = 0; k < size; ++k) write(k, chain.y[k], row);
}

void InteriorSampler::write(std::size_t k, double y, std::span<double> row) const {
  const std::size_t p = compiled_.constraints().variables()[polytope_.variables()[k]];
  row[static_cast<std::size_t>(compiled_.column_of()[p])] = compiled_.domains()[p].entry_of_number(polytope_.number(k, y));
}

void InteriorSampler::pull_inside(double fraction, std::span<double> row) const {
  for (const std::size_t k : continuous_) {
    const std::size_t p = compiled_.constraints().variables()[polytope_.variables()[k]];
    const double entry = row[static_cast<std::size_t>(compiled_.column_of()[p])];
    const double y = polytope_.coordinate_of(k, compiled_.domains()[p].number(entry));
    write(k, y + fraction * (middle_[k] - y), row);
  }
}

}  // namespace warpbo::space
