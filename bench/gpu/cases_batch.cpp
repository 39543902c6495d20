/// A batch chosen greedily among scored candidates: each pick is added to the model as a point of sampled value (qLogEI).
#include "acquisition/candidate_pool.hpp"
#include "acquisition/fantasy_model.hpp"
#include "gpu/case.hpp"
#include "gpu/fitted.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::bench {

namespace {

struct Picks {
  std::vector<double> scores;
  std::vector<std::size_t> indices;
};

Picks pick(const gp::Regression& regression, const std::vector<double>& candidates, int count) {
  const std::span<const double> targets = regression.host_targets();
  const double incumbent = *std::min_element(targets.begin(), targets.end());
  acquisition::FantasyModel fantasies(regression, count, 64, incumbent, 1);
  acquisition::CandidatePool pool(regression, fantasies, candidates, count);
  Picks picks;
  for (int i = 0; i < count; ++i) {
    std::vector<double> scores = pool.score({backend::AcquisitionKind::log_ei, fantasies.incumbents(), 0});
    for (const std::size_t taken : picks.indices) scores[taken] = -INFINITY;
    const auto best = std::max_element(scores.begin(), scores.end());
    picks.scores.push_back(*best);
    picks.indices.push_back(static_cast<std::size_t>(best - scores.begin()));
    if (!fantasies.add(pool.row(picks.indices.back()))) throw std::runtime_error("a pick could not be added to the model");
    pool.extend(fantasies);
  }
  return picks;
}

void greedy(Run& run, std::int64_t n, int count, std::int64_t candidates, double work) {
  const Problem problem(n, 10);
  const std::vector<double> rows = uniforms(13, candidates * problem.d);
  const gp::Regression regression = fitted(run.backend, problem);
  Picks picks;
  Limits limits = run.limits;
  limits.queue = 1;
  const Timing timing = measure(*run.backend, limits, {[&](int) { picks = pick(regression, rows, count); }});
  if (work <= run.reference_work) {
    // Rounding may turn a tie between candidates, so it is the scores that must agree.
    const Picks expected = pick(fitted(run.reference, problem), rows, count);
    run.check(deviation(picks.scores, expected.scores), 1e-6, "the CPU engine's scores");
  }
  run.timing(timing);
  run.record.set("value", picks.scores.back());
}

}  // namespace

void add_batch_cases(Cases& cases) {
  for (const std::int64_t n : {1000, 5000})
    for (const int q : {16, 100}) {
      constexpr std::int64_t kCandidates = 4096;
      const double work =
          static_cast<double>(n * n) * static_cast<double>(n + kCandidates) + static_cast<double>(kCandidates * q) * 64 * 100;
      cases.push_back({"greedy/n=" + std::to_string(n) + "/q=" + std::to_string(q) + "/m=4096", work, n == 1000 && q == 16,
                       [n, q, work](Run& run) { greedy(run, n, q, kCandidates, work); }});
    }
}

}  // namespace warpbo::bench
