#include "gp/fit.hpp"

#include "gp/fit_jobs.hpp"
#include "math/philox.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace warpbo::gp {

namespace {

double log_noise_start(const Settings& settings) {
  const double noise = settings.fixed_noise.value_or(std::exp(settings.prior.noise_center));
  return std::log(std::clamp(noise, settings.min_noise, settings.max_noise));
}

/// Starts differ in what usually decides between local optima: the overall lengthscale, the noise, and which dimensions matter.
std::vector<Theta> starting_points(const Settings& settings, const FitOptions& options) {
  std::vector<Theta> starts = options.warm;
  const Theta mode = prior_mode(settings);
  const std::size_t d = mode.size() - 1;
  for (int r = 0; r < options.restarts; ++r) {
    Theta theta = mode;
    if (r > 0) {
      const auto row = static_cast<std::uint64_t>(r);
      const double shared = 1.2 * math::philox_normal(options.seed, 0, row, 0);
      for (std::size_t k = 0; k < d; ++k) theta[k] += shared + 0.8 * math::philox_normal(options.seed, 0, row, k + 1);
      theta[d] += 2.0 * math::philox_normal(options.seed, 0, row, d + 1);
    }
    starts.push_back(std::move(theta));
  }
  return starts;
}

/// The observations of a task with the targets of one choice: all, or where those are more than `most` (0: no limit), every
/// k-th.
void show(const FitTask& task, std::size_t choice, std::int64_t most, Job& job) {
  const FitTargets targets = choice == 0 ? FitTargets{task.targets, task.log_slopes} : task.alternatives[choice - 1];
  const std::size_t n = targets.values.size(), d = task.settings.categorical.size();
  const std::size_t stride = most > 0 ? (n + static_cast<std::size_t>(most) - 1) / static_cast<std::size_t>(most) : 1;
  job.choice = choice;
  job.points = task.points;
  job.targets = targets.values;
  job.noise_weights = task.noise_weights;
  for (std::size_t i = 0; i < targets.log_slopes.size(); i += stride) job.log_jacobian += targets.log_slopes[i];
  if (stride == 1) return;
  for (std::size_t i = 0; i < n; i += stride) {
    const std::span<const double> row = task.points.subspan(i * d, d);
    job.thinned_points.insert(job.thinned_points.end(), row.begin(), row.end());
    job.thinned_targets.push_back(targets.values[i]);
    if (!task.noise_weights.empty()) job.thinned_weights.push_back(task.noise_weights[i]);
  }
  job.points = job.thinned_points;
  job.targets = job.thinned_targets;
  job.noise_weights = job.thinned_weights;
}

/// A part of a search: all starts that are left climb for some rounds, and the best ends are the starts of the next part.
struct Stage {
  int rounds = 0;
  std::size_t kept = 0;       ///< ends that go on
  bool thinned = false;       ///< on part of the observations
  bool alternatives = false;  ///< with each of the task's alternatives; the best of them and of what went before goes on
};

/// A search on its way.
struct Search {
  std::vector<Theta> next;    ///< starts of the next stage
  std::vector<Stage> stages;  ///< to come, the last first
  std::optional<End> best;    ///< of the last stage that could evaluate anything
  double log_jacobian = 0;    ///< of the targets that it belongs to
  std::size_t choice = 0;     ///< likewise
  int rounds = 0;
  bool stopped = false;
};

/// The last first.
std::vector<Stage> stages_of(const FitTask& task, std::size_t starts) {
  const FitOptions& options = task.options;
  const bool screened = options.screening > 0 && std::ssize(task.targets) > options.screening && options.restarts > 0;
  const bool halved = options.trial_rounds > 0 && options.trial_rounds < options.max_rounds &&
                      starts > static_cast<std::size_t>(options.finalists);
  std::vector<Stage> out;
  if (screened) out.push_back({options.polish_rounds, 1, false});
  if (!task.alternatives.empty()) out.push_back({options.alternative_rounds, 1, screened, true});
  out.push_back({halved ? options.max_rounds - options.trial_rounds : options.max_rounds, 1, screened});
  if (halved) out.push_back({options.trial_rounds, static_cast<std::size_t>(options.finalists), screened});
  return out;
}

/// What a search does next.
void add_jobs(const FitTask& task, std::size_t index, const Search& search, const Stage& stage, std::vector<Job>& jobs) {
  const std::size_t first = stage.alternatives ? 1 : search.choice;
  const std::size_t last = stage.alternatives ? task.alternatives.size() : search.choice;
  for (std::size_t choice = first; choice <= last; ++choice) {
    Job& job = jobs.emplace_back();
    job.task = index;
    job.starts = search.next;
    job.max_rounds = stage.rounds;
    job.settings = &task.settings;
    if (task.options.stop) job.stop = &task.options.stop;
    show(task, choice, stage.thinned ? task.options.screening : 0, job);
  }
}

/// Ends whose log densities differ by less have come to the same place: one of them goes on.
constexpr double kSamePlace = 1e-3;

/// Takes in what a stage found with the targets that the search had chosen.
void take_in(const Outcome& outcome, const Job& job, const Stage& stage, Search& search) {
  if (!outcome.ends.empty()) search.best = outcome.ends.front();
  search.log_jacobian = job.log_jacobian;
  search.next.clear();
  double last = -INFINITY;
  for (const End& end : outcome.ends) {
    if (search.next.size() == stage.kept || end.value - last < kSamePlace) continue;
    search.next.push_back(end.theta);
    last = end.value;
  }
}

/// Takes in what it found with others.
void take_in_alternative(const Outcome& outcome, const Job& job, double least_gain, Search& search) {
  if (outcome.ends.empty() || !search.best) return;
  const auto unmapped = [](double value, double log_jacobian) { return value - log_jacobian; };
  const double lead = search.choice == 0 ? least_gain * static_cast<double>(job.size()) : 0;
  const End& end = outcome.ends.front();
  if (unmapped(end.value, job.log_jacobian) + lead >= unmapped(search.best->value, search.log_jacobian)) return;
  search.best = end;
  search.log_jacobian = job.log_jacobian;
  search.choice = job.choice;
  search.next = {end.theta};
}

/// Runs the next stage of every search, all of them at once.
void advance(backend::Arena& arena, std::span<const FitTask> tasks, std::vector<Search>& searches,
             const std::function<bool()>& stop) {
  std::vector<Stage> stages(tasks.size());
  std::vector<Job> jobs;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    Search& search = searches[t];
    if (search.stages.empty()) continue;
    stages[t] = search.stages.back();
    search.stages.pop_back();
    add_jobs(tasks[t], t, search, stages[t], jobs);
  }
  const std::vector<Outcome> outcomes = climb(arena, jobs, stop);
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const std::size_t t = jobs[j].task;
    Search& search = searches[t];
    search.rounds += outcomes[j].rounds;
    search.stopped = search.stopped || outcomes[j].stopped;
    if (stages[t].alternatives)
      take_in_alternative(outcomes[j], jobs[j], tasks[t].options.least_gain, search);
    else
      take_in(outcomes[j], jobs[j], stages[t], search);
    if (search.stopped || search.next.empty()) search.stages.clear();
  }
}

}  // namespace

std::vector<FitReport> fit(backend::Arena& arena, std::span<const FitTask> tasks, const std::function<bool()>& stop) {
  std::vector<Search> searches;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    Search& search = searches.emplace_back();
    search.next = starting_points(tasks[t].settings, tasks[t].options);
    search.stages = stages_of(tasks[t], search.next.size());
  }
  const auto is_over = [](const Search& search) { return search.stages.empty(); };
  while (!std::all_of(searches.begin(), searches.end(), is_over)) advance(arena, tasks, searches, stop);

  std::vector<FitReport> reports;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    const Search& search = searches[t];
    const bool fitted = search.best.has_value();
    reports.push_back({fitted ? search.best->theta : prior_mode(tasks[t].settings), fitted ? search.best->value : INFINITY,
                       search.rounds, fitted, search.stopped, search.choice});
  }
  return reports;
}

FitReport fit(const Regression& regression, const FitOptions& options) {
  const FitTask task{regression.settings(), regression.host_points(), regression.host_targets(),
                     regression.host_noise_weights(), options};
  return std::move(fit(regression.arena(), {&task, 1}).front());
}

Theta prior_mode(const Settings& settings) {
  Theta theta(settings.categorical.size() + 1, settings.prior.lengthscale_center);
  theta.back() = log_noise_start(settings);
  return theta;
}

}  // namespace warpbo::gp
