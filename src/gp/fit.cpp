#include "gp/fit.hpp"

#include "math/philox.hpp"
#include "optimize/multi_start.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <tuple>
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

/// What became of one start.
struct End {
  Theta theta;
  double value = INFINITY;
};

/// What became of a job.
struct Outcome {
  std::vector<End> ends;  ///< of the starts that could be evaluated, the best first
  int rounds = 0;
  bool stopped = false;
};

/// One climb from some starts, as a part of a batch.
struct Job {
  std::size_t task = 0;
  std::size_t choice = 0;                                                // 0: of the task's targets; k: of its k-th alternative
  std::vector<double> thinned_points, thinned_targets, thinned_weights;  // what the spans show where not all data is used
  std::span<const double> points, targets, noise_weights;
  std::vector<Theta> starts;
  double log_jacobian = 0;  // sum of the log slopes
  int max_rounds = 0;
  const Settings* settings = nullptr;
  const std::function<bool()>* stop = nullptr;  // null: none

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(targets.size()); }
  [[nodiscard]] std::int64_t dimensions() const { return static_cast<std::int64_t>(settings->categorical.size()); }
};

/// Jobs of one group are evaluated together. Sizes within eight of each other: devices pad the smaller ones.
using Group = std::tuple<std::int64_t, int, int, std::int64_t>;
Group group_of(const Job& job) {
  return {job.dimensions(), static_cast<int>(job.settings->family), job.max_rounds, (job.size() + 7) / 8};
}

/// What a group may have: the state of more problems than this is better worked on in parts.
constexpr std::size_t kMostProblems = 16384;

/// The data of some jobs in a backend's memory, for as long as the arena's scope lasts.
class Uploaded {
 public:
  Uploaded(backend::Arena& arena, std::span<const Job* const> jobs, std::int64_t problems)
      : indices_(arena.vector<std::int32_t>(problems)), info_(arena.vector<std::int32_t>(problems)) {
    for (const Job* job : jobs) {
      largest_ = std::max(largest_, job->size());
      members_.push_back(upload(arena, *job));
    }
    const Settings& first = *jobs.front()->settings;
    dimensions_ = jobs.front()->dimensions();
    family_ = first.family;
    if (jobs.size() == 1) return;
    std::vector<backend::LikelihoodData> by_problem;
    for (std::size_t j = 0; j < jobs.size(); ++j) by_problem.insert(by_problem.end(), jobs[j]->starts.size(), members_[j]);
    data_ = arena.vector<backend::LikelihoodData>(problems);
    arena.backend().upload(data_.data, by_problem.data(), by_problem.size() * sizeof(backend::LikelihoodData));
  }

  [[nodiscard]] backend::VectorView<std::int32_t> indices() const { return indices_; }

  [[nodiscard]] backend::Likelihood call() const {
    const backend::LikelihoodData& own = members_.front();
    backend::Likelihood call;
    call.kernel.family = family_;
    call.info = info_;
    if (data_.empty()) {
      if (own.categorical != nullptr) call.kernel.categorical = {own.categorical, dimensions_};
      call.points = own.points;
      call.targets = {own.targets, largest_, 1, largest_, 1, 0};
      if (own.noise_weights != nullptr) call.noise_weights = {own.noise_weights, largest_};
      call.prior = own.prior;
    } else {
      call.points = {nullptr, largest_, dimensions_, largest_, 1, 0};
      call.data = data_;
      call.indices = indices_;
    }
    return call;
  }

 private:
  static backend::LikelihoodData upload(backend::Arena& arena, const Job& job) {
    const std::int64_t n = job.size(), d = job.dimensions();
    const auto vector = [&](std::span<const double> from) -> const double* {
      const auto to = arena.vector<double>(static_cast<std::int64_t>(from.size()));
      arena.backend().upload(to.data, from.data(), from.size_bytes());
      return to.data;
    };
    backend::LikelihoodData out;
    const std::vector<double> columns = optimize::transposed(job.points, n, d);
    out.points = {vector(columns), n, d, n, 1, 0};
    out.targets = vector(job.targets);
    if (!job.noise_weights.empty()) out.noise_weights = vector(job.noise_weights);
    const std::vector<std::uint8_t>& flags = job.settings->categorical;
    if (std::find(flags.begin(), flags.end(), 1) != flags.end()) {
      const auto to = arena.vector<std::uint8_t>(d);
      arena.backend().upload(to.data, flags.data(), flags.size());
      out.categorical = to.data;
    }
    out.prior = job.settings->prior;
    return out;
  }

  backend::VectorView<std::int32_t> indices_, info_;
  std::vector<backend::LikelihoodData> members_;       // of each job
  backend::VectorView<backend::LikelihoodData> data_;  // of each problem; empty for a single job
  std::int64_t largest_ = 0, dimensions_ = 0;
  math::KernelFamily family_ = math::KernelFamily::matern52;
};

void add_bounds(const Settings& settings, std::vector<double>& lower, std::vector<double>& upper) {
  lower.insert(lower.end(), settings.categorical.size(), std::log(settings.min_lengthscale));
  upper.insert(upper.end(), settings.categorical.size(), std::log(settings.max_lengthscale));
  lower.push_back(std::log(settings.fixed_noise.value_or(settings.min_noise)));
  upper.push_back(std::log(settings.fixed_noise.value_or(settings.max_noise)));
}

/// A value that no data can have (backend.hpp has the formula: the eigenvalues of C are at least the least noise, the
/// outputscale is bounded by its prior): a wrong number of the device, which would win every comparison.
double impossible(const Job& job) {
  const backend::HyperPrior& prior = job.settings->prior;
  const double n = static_cast<double>(job.size());
  double noise = job.settings->fixed_noise.value_or(job.settings->min_noise);
  if (!job.noise_weights.empty()) noise *= *std::min_element(job.noise_weights.begin(), job.noise_weights.end());
  const double outputscale = 2 * prior.rate / (n + 2 * prior.shape + 2);
  const double of_priors = 10 * static_cast<double>(job.dimensions() + 1);
  return n / 2 * std::log(2 * std::numbers::pi * outputscale * noise) + (prior.shape + 1) * std::log(outputscale) - of_priors;
}

/// Climbs from all starts of all jobs at once.
void climb(backend::Arena& arena, std::span<const Job* const> jobs, const std::function<bool()>* stop,
           std::span<Outcome* const> outcomes) {
  std::vector<double> flat, lower, upper;
  std::int64_t problems = 0;
  for (const Job* job : jobs)
    for (const Theta& theta : job->starts) {
      flat.insert(flat.end(), theta.begin(), theta.end());
      add_bounds(*job->settings, lower, upper);
      ++problems;
    }
  const std::int64_t parameters = jobs.front()->dimensions() + 1;
  backend::Arena::Scope scope(arena);
  const Uploaded data(arena, jobs, problems);
  backend::Likelihood call = data.call();
  const auto objective = [&](backend::ConstMatrix queries, const std::int32_t* active, backend::Vector value,
                             backend::Matrix gradient) {
    call.theta = queries;
    call.active = active;
    call.value = value;
    call.gradient = gradient;
    arena.backend().run(call);
  };
  bool stopped = false;
  optimize::MultiStartOptions limits;
  limits.max_rounds = jobs.front()->max_rounds;
  limits.gradient_tolerance = 1e-3;
  limits.value_tolerance = 1e-5;
  limits.indices = data.indices();
  if (stop != nullptr && *stop) limits.stop = [&stopped, stop] { return stopped = (*stop)(); };
  const optimize::MultiStartResult found = optimize::multi_start(arena, parameters, flat, lower, upper, objective, limits);

  std::size_t p = 0;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const Job* job = jobs[j];
    Outcome& outcome = *outcomes[j];
    outcome = {{}, found.rounds, stopped};
    const double least = impossible(*job);
    for (std::size_t start = 0; start < job->starts.size(); ++start, ++p) {
      if (!(found.values[p] < INFINITY) || found.values[p] < least) continue;
      const auto begin = found.points.begin() + static_cast<std::ptrdiff_t>(p) * parameters;
      outcome.ends.push_back({Theta(begin, begin + parameters), found.values[p]});
    }
    std::stable_sort(outcome.ends.begin(), outcome.ends.end(), [](const End& a, const End& b) { return a.value < b.value; });
  }
}

/// Runs the jobs in groups. Returns what became of each.
std::vector<Outcome> climb_in_groups(backend::Arena& arena, const std::vector<Job>& jobs, const std::function<bool()>& stop) {
  std::vector<Outcome> outcomes(jobs.size());
  struct Members {
    std::vector<const Job*> jobs;
    std::vector<Outcome*> outcomes;
  };
  std::map<Group, Members> groups;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const Job* job = &jobs[j];
    Outcome* outcome = &outcomes[j];
    if (job->starts.empty()) continue;
    if (job->stop != nullptr) {
      climb(arena, {&job, 1}, job->stop, {&outcome, 1});
    } else {
      Members& group = groups[group_of(*job)];
      group.jobs.push_back(job);
      group.outcomes.push_back(outcome);
    }
  }
  for (const auto& [key, members] : groups) {
    std::size_t first = 0;
    while (first < members.jobs.size()) {
      std::size_t last = first, problems = 0;
      while (last < members.jobs.size() && (last == first || problems + members.jobs[last]->starts.size() <= kMostProblems))
        problems += members.jobs[last++]->starts.size();
      if (stop && stop()) {
        for (std::size_t i = first; i < last; ++i) *members.outcomes[i] = {{}, 0, true};
      } else {
        climb(arena, std::span(members.jobs).subspan(first, last - first), &stop,
              std::span(members.outcomes).subspan(first, last - first));
      }
      first = last;
    }
  }
  return outcomes;
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
  const std::vector<Outcome> outcomes = climb_in_groups(arena, jobs, stop);
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
