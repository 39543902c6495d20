#include "math/philox.hpp"
#include "math/sobol.hpp"
#include "samplers/builtin.hpp"
#include "samplers/population.hpp"
#include "samplers/proposals.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace warpbo::samplers {
namespace {

constexpr std::uint64_t kMutationStream = 0x64655f6d75740000ULL;
constexpr std::size_t kFewestMembers = 4;  // mutation needs a parent, a good member and two others
constexpr int kRepairs = 12;               // halvings of the step when a constraint rejects it
constexpr int kNeighbours = 40;            // moves to a neighbour when the point is taken
constexpr double kForeignCategory = 0.2;   // chance that a mutated category is any, instead of one of the vectors'

/// Makes trial vectors from a population, in rows of the encoder.
class Breeder {
 public:
  Breeder(const Region& region, const Population& population, std::uint64_t seed, std::int64_t number)
      : region_(region),
        columns_(region.encoder().columns()),
        population_(population),
        settings_(population.settings(number)),
        random_{seed, kMutationStream, static_cast<std::uint64_t>(number)} {
    choose_vectors(number);
  }

  /// A trial vector whose step is shortened 2^-halvings times. Shortened ones take all columns: differences of points of an
  /// affine set keep to it only as a whole.
  std::vector<double> breed(int halvings) {
    const double scale = std::ldexp(settings_.scale, -halvings);
    const std::size_t d = parent_.size();
    std::vector<double> row = parent_;
    const std::size_t certain = random_.below(std::max<std::size_t>(d, 1));
    for (std::size_t c = 0; c < d; ++c) {
      const bool take = random_.uniform() < settings_.crossover || c == certain || halvings > 0;
      const double mutated = columns_[c].kind == space::ColumnKind::categorical ? mutate_category(c) : mutate_number(c, scale);
      if (take) row[c] = mutated;
    }
    region_.impose(row);
    return row;
  }

  /// Moves one or more existing columns of a snapped row to a neighbouring value; further away at later attempts.
  void move_to_neighbour(std::span<double> row, int attempt) {
    std::vector<unsigned char> active(row.size());
    region_.encoder().activity(row, active);
    std::vector<std::size_t> free;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (active[c] != 0 && !region_.fixed(c)) free.push_back(c);
    }
    if (free.empty()) return;
    const std::size_t moves = 1 + std::min<std::size_t>(static_cast<std::size_t>(attempt) / 10, free.size() - 1);
    for (std::size_t m = 0; m < moves; ++m) {
      const std::size_t c = free[random_.below(free.size())];
      const space::Column& column = columns_[c];
      if (column.kind == space::ColumnKind::continuous) {
        row[c] = std::clamp(row[c] + 1e-3 * (1 + attempt) * random_.normal(), 0.0, 1.0);
      } else if (column.kind == space::ColumnKind::categorical) {
        row[c] = static_cast<double>(random_.below(static_cast<std::uint64_t>(column.levels)));
      } else {
        const std::int64_t distance = 1 + static_cast<std::int64_t>(random_.below(1 + static_cast<std::uint64_t>(attempt) / 4));
        const std::int64_t level =
            region_.encoder().nearest_level(c, row[c]) + (random_.uniform() < 0.5 ? -distance : distance);
        row[c] = region_.encoder().level_value(c, std::clamp<std::int64_t>(level, 0, column.levels - 1));
      }
    }
    region_.impose(row);
  }

 private:
  void choose_vectors(std::int64_t number) {
    const auto members = population_.members();
    const std::vector<std::size_t> order = population_.ranking();
    const std::size_t own = population_.slot(number);
    std::vector<std::size_t> others;
    for (const std::size_t i : order) {
      if (i != own) others.push_back(i);
    }
    const std::size_t good = order[random_.below(Population::good(order.size()))];
    const std::size_t first = random_.below(others.size());
    const std::size_t left = others[first];
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(first));
    const std::size_t right = random_.below(others.size() + population_.archive().size());
    parent_ = filled_in(members[own].row);
    good_ = filled_in(members[good].row);
    left_ = filled_in(members[left].row);
    right_ = filled_in(right < others.size() ? members[others[right]].row : population_.archive()[right - others.size()]);
  }

  /// A member with a value in every column: those that do not exist in it get one at random, in case they exist in the trial
  /// vector.
  std::vector<double> filled_in(const std::vector<double>& row) {
    std::vector<double> full = row;
    if (!region_.encoder().conditional()) return full;
    std::vector<unsigned char> active(row.size());
    region_.encoder().activity(row, active);
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (active[c] != 0) continue;
      full[c] = columns_[c].kind == space::ColumnKind::categorical
                    ? static_cast<double>(random_.below(static_cast<std::uint64_t>(columns_[c].levels)))
                    : random_.uniform();
    }
    return full;
  }

  double mutate_number(std::size_t c, double scale) {
    const double base = settings_.from_best ? good_[c] : parent_[c] + scale * (good_[c] - parent_[c]);
    double value = base + scale * (left_[c] - right_[c]);
    // Rounding to one of the two nearest levels at random keeps differences smaller than a level alive.
    if (columns_[c].kind == space::ColumnKind::grid && columns_[c].levels > 1) {
      value += (random_.uniform() - 0.5) / static_cast<double>(columns_[c].levels - 1);
    }
    if (value < 0) return parent_[c] / 2;  // half way from the parent to the bound
    if (value > 1) return (parent_[c] + 1) / 2;
    return value;
  }

  double mutate_category(std::size_t c) {
    if (random_.uniform() < kForeignCategory) {
      return static_cast<double>(random_.below(static_cast<std::uint64_t>(columns_[c].levels)));
    }
    const double candidates[] = {settings_.from_best ? good_[c] : parent_[c], good_[c], left_[c]};
    return candidates[random_.below(3)];
  }

  const Region& region_;
  const std::vector<space::Column>& columns_;
  const Population& population_;
  Population::Settings settings_;
  math::PhiloxSequence random_;
  std::vector<double> parent_, good_, left_, right_;
};

/// Differential evolution in ask and tell form: asynchronous, for spaces of any kind. See Population for how its state comes
/// about.
class DifferentialEvolution final : public Sampler {
 public:
  explicit DifferentialEvolution(const SamplerOptions& options) : options_(options) {}
  [[nodiscard]] std::string name() const override { return "de"; }

  SuggestResult suggest(const SuggestRequest& request) override {
    const space::Encoder& encoder = encoders_.get(request.space);
    Proposals proposals(encoder, request, options_);
    const std::size_t d = encoder.dimensions();
    Population population = empty_population(encoder);
    for (std::size_t i = 0; i < proposals.finished().trials.size(); ++i) {
      const Trial& trial = *proposals.finished().trials[i];
      population.tell(trial.number, proposals.finished().row(i, d), target(trial, request.direction));
    }
    while (!proposals.complete()) {
      const auto number = static_cast<std::int64_t>(request.draw + proposals.proposed());
      population.advance(number);
      const bool mature = population.members()[population.slot(number)].filled && population.ranking().size() >= kFewestMembers;
      if (mature ? propose_bred(proposals, population, number) : propose_first(proposals, number)) continue;
      if (!proposals.propose_random(static_cast<std::uint64_t>(number), "de/random")) break;
    }
    return proposals.take();
  }

 private:
  /// Categories are lost for good when the last member that has one is replaced, and the numbers that suit a category are found
  /// only among its members: with categorical columns the population is larger and begins anew sooner.
  [[nodiscard]] Population empty_population(const space::Encoder& encoder) const {
    std::size_t variables = 0;
    bool categorical = false;
    for (const space::Column& column : encoder.columns()) {
      const bool category = column.kind == space::ColumnKind::categorical;
      variables += category ? static_cast<std::size_t>(std::clamp<std::int64_t>(column.levels - 1, 1, 4)) : 1;
      categorical = categorical || category;
    }
    return {encoder.dimensions(), variables, categorical ? 1e-2 : 1e-5, options_.seed};
  }

  /// The first member of a slot is a Sobol' point.
  bool propose_first(Proposals& proposals, std::int64_t number) const {
    const auto index = static_cast<std::uint64_t>(number);
    std::vector<double> uniforms(proposals.region().dimensions()), row(uniforms.size());
    for (std::size_t c = 0; c < uniforms.size(); ++c) {
      uniforms[c] = math::sobol_uniform(math::sobol_directions(), options_.seed, index, c);
    }
    return proposals.region().draw(uniforms, math::mix64(options_.seed ^ math::mix64(index)), row) &&
           proposals.propose(row, "de/sobol");
  }

  bool propose_bred(Proposals& proposals, const Population& population, std::int64_t number) const {
    Breeder breeder(proposals.region(), population, options_.seed, number);
    std::vector<double> row = breeder.breed(0);
    for (int halvings = 1; !proposals.region().admits(row); ++halvings) {
      if (halvings > kRepairs) return false;
      row = breeder.breed(halvings);
    }
    for (int attempt = 0; attempt <= kNeighbours; ++attempt) {
      if (proposals.propose(row, "de")) return true;
      breeder.move_to_neighbour(row, attempt);
    }
    return false;
  }

  SamplerOptions options_;
  EncoderCache encoders_;
};

}  // namespace

std::unique_ptr<Sampler> make_differential_evolution_sampler(const SamplerOptions& options) {
  return std::make_unique<DifferentialEvolution>(options);
}

}  // namespace warpbo::samplers
