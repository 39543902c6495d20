#include "acquisition/propose.hpp"

#include "acquisition/candidate_pool.hpp"
#include "acquisition/leftovers.hpp"
#include "acquisition/starts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace warpbo::acquisition {

namespace {

std::int64_t rows_in(const std::vector<double>& rows, std::size_t d) { return static_cast<std::int64_t>(rows.size() / d); }

/// One batch under construction.
class Batch {
 public:
  Batch(const gp::Regression& regression, SearchDomain& domain, const ProposeOptions& options)
      : regression_(regression),
        domain_(domain),
        options_(options),
        d_(domain.columns().size()),
        fantasies_(regression, rows_in(options.pending, d_) + rows_in(options.baseline, d_) + joint_picks(), options.samples,
                   options.incumbent, options.seed),
        pool_(make_pool()),
        leftovers_(domain, options.seed) {}

  Proposals build() {
    for (int pick = 0; pick < joint_picks(); ++pick) {
      if (pick > 0 && options_.deadline.passed()) {
        out_.timed_out = true;
        return std::move(out_);
      }
      const std::vector<double> scores = pool_.score(specification());
      const bool climbing = pick < options_.climbed_picks;
      if (!(climbing ? pick_by_climbing(scores) : pick_from_pool(scores)) && !pick_anything()) return std::move(out_);
      if (pick + 1 < options_.count) condition_on_last();
    }
    if (options_.count > joint_picks()) fill_by_draws();
    return std::move(out_);
  }

 private:
  [[nodiscard]] int joint_picks() const { return std::min(options_.count, options_.joint_picks); }

  CandidatePool make_pool() {
    add_known_points();
    const std::vector<double> rows = make_candidates(domain_, options_.candidates);
    return CandidatePool(regression_, fantasies_, rows, joint_picks() - (joint_picks() == options_.count ? 1 : 0));
  }

  /// Pending points and uncertain incumbents come first: everything that is chosen must improve on them.
  void add_known_points() {
    if (!fantasies_.add(options_.baseline))
      out_.degraded.emplace_back("noisy incumbents could not be sampled; their fitted means were used");
    if (!fantasies_.add(options_.pending))
      out_.degraded.emplace_back("pending trials could not be added to the model; the batch ignores them");
  }

  [[nodiscard]] backend::AcquisitionSpec specification() const {
    return {options_.kind, fantasies_.incumbents(), options_.ucb_coefficient};
  }

  bool pick_by_climbing(const std::vector<double>& scores) {
    const std::vector<double> starts = choose_starts(domain_, pool_, scores, options_.starts);
    if (starts.empty()) return false;
    const Target target{fantasies_.model(), specification()};
    const Climbed climbed = climb(regression_.arena(), domain_, target, starts, options_.climb);
    for (std::size_t p = 0; p < climbed.values.size(); ++p) {
      const std::span<const double> row(climbed.rows.data() + p * d_, d_);
      if (domain_.admissible(row)) return take(row, climbed.values[p]);
    }
    return pick_from_pool(scores);
  }

  /// The rest of a very large batch.
  void fill_by_draws() {
    const std::vector<double> draws = pool_.draw(options_.seed);
    std::vector<std::size_t> order(draws.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return draws[a] > draws[b]; });
    std::size_t next = 0;
    for (int pick = joint_picks(); pick < options_.count; ++pick) {
      while (next < order.size() && !domain_.admissible(pool_.row(order[next]))) ++next;
      if (next < order.size())
        take(pool_.row(order[next]), draws[order[next]]);
      else if (!pick_anything())
        return;
    }
  }

  bool pick_from_pool(const std::vector<double>& scores) {
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Most picks take the first few: sort lazily.
    const auto better = [&](std::size_t a, std::size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; };
    const std::size_t head = std::min<std::size_t>(order.size(), 32);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(head), order.end(), better);
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i == head) std::sort(order.begin() + static_cast<std::ptrdiff_t>(head), order.end(), better);
      if (domain_.admissible(pool_.row(order[i]))) return take(pool_.row(order[i]), scores[order[i]]);
    }
    return false;
  }

  /// Every candidate is taken: any point of the domain that is not.
  bool pick_anything() {
    std::vector<double> row(d_);
    return leftovers_.next(row) && take(row, -INFINITY);
  }

  bool take(std::span<const double> row, double value) {
    const std::vector<double> copy(row.begin(), row.end());
    out_.rows.insert(out_.rows.end(), copy.begin(), copy.end());
    out_.values.push_back(value);
    domain_.exclude(copy);
    return true;
  }

  void condition_on_last() {
    const std::span<const double> last(out_.rows.data() + out_.rows.size() - d_, d_);
    if (fantasies_.add(last)) return pool_.extend(fantasies_);
    if (!singular_)
      out_.degraded.emplace_back(
          "a chosen point was too close to others to be added to the model; the rest of the batch may crowd it");
    singular_ = true;
  }

  const gp::Regression& regression_;
  SearchDomain& domain_;
  const ProposeOptions& options_;
  std::size_t d_;
  Proposals out_;
  FantasyModel fantasies_;
  CandidatePool pool_;
  Leftovers leftovers_;
  bool singular_ = false;
};

}  // namespace

Proposals propose(const gp::Regression& regression, SearchDomain& domain, const ProposeOptions& options) {
  return Batch(regression, domain, options).build();
}

}  // namespace warpbo::acquisition
