#include "acquisition/variance_fill.hpp"

#include "acquisition/candidate_pool.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::acquisition {

namespace {

/// The candidates whose lower confidence bound is below the least upper one.
std::vector<double> promising(const gp::Regression& regression, const SearchDomain& domain,
                              const VarianceFillOptions& options) {
  const FantasyModel nothing_sampled(regression, 0, 1, INFINITY, options.seed);
  const std::vector<double> rows = make_candidates(domain, options.candidates);
  if (rows.empty()) return rows;
  const CandidatePool pool(regression, nothing_sampled, rows, 0);
  // The acquisition is -(mean - coefficient sd).
  const std::vector<double> lower = pool.score({backend::AcquisitionKind::ucb, {}, options.region_coefficient});
  const std::vector<double> upper = pool.score({backend::AcquisitionKind::ucb, {}, -options.region_coefficient});
  const double least_upper = *std::max_element(upper.begin(), upper.end());
  std::vector<double> kept;
  for (std::size_t i = 0; i < pool.size(); ++i)
    if (lower[i] >= least_upper) kept.insert(kept.end(), pool.row(i).begin(), pool.row(i).end());
  return kept;
}

}  // namespace

Proposals fill_by_variance(const gp::Regression& regression, SearchDomain& domain, const VarianceFillOptions& options) {
  const std::size_t d = domain.columns().size();
  Proposals out;
  const std::vector<double> rows = promising(regression, domain, options);
  if (rows.empty()) return out;
  FantasyModel fantasies(regression, static_cast<std::int64_t>(options.pending.size() / d) + options.count, 1, INFINITY,
                         options.seed);
  if (!fantasies.add(options.pending))
    out.degraded.emplace_back("pending trials could not be added to the model; the batch ignores them");
  CandidatePool pool(regression, fantasies, rows, options.count);
  for (int pick = 0; pick < options.count; ++pick) {
    if (pick > 0 && options.deadline.passed()) {
      out.timed_out = true;
      break;
    }
    const std::vector<double> sd = pool.score({backend::AcquisitionKind::sd, {}, 0});
    std::size_t best = sd.size();
    for (std::size_t i = 0; i < sd.size(); ++i)
      if ((best == sd.size() || sd[i] > sd[best]) && domain.admissible(pool.row(i))) best = i;
    if (best == sd.size()) break;
    const std::vector<double> point(pool.row(best).begin(), pool.row(best).end());
    out.rows.insert(out.rows.end(), point.begin(), point.end());
    out.values.push_back(sd[best]);
    domain.exclude(point);
    if (pick + 1 == options.count) break;
    if (!fantasies.add(point)) break;  // too close to the others: what is left has no variance to speak of
    pool.extend(fantasies);
  }
  return out;
}

}  // namespace warpbo::acquisition
