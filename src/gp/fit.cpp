#include "gp/fit.hpp"

#include "math/philox.hpp"
#include "optimize/multi_start.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>
#include <map>
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
  std::vector<double> thinned_points, thinned_targets, thinned_weights;  // what the spans show where not all data is used
  std::span<const double> points, targets, noise_weights;
  std::vector<Theta> starts;
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

/// Climbs from all starts of all jobs at once.
void climb(backend::Arena& arena, std::span<const Job* const> jobs, const std::function<bool()>* stop,
           std::vector<Outcome>& outcomes) {
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
  for (const Job* job : jobs) {
    Outcome& outcome = outcomes[job->task];
    outcome = {{}, found.rounds, stopped};
    for (std::size_t start = 0; start < job->starts.size(); ++start, ++p) {
      if (!(found.values[p] < INFINITY)) continue;
      const auto begin = found.points.begin() + static_cast<std::ptrdiff_t>(p) * parameters;
      outcome.ends.push_back({Theta(begin, begin + parameters), found.values[p]});
    }
    std::stable_sort(outcome.ends.begin(), outcome.ends.end(), [](const End& a, const End& b) { return a.value < b.value; });
  }
}

/// Runs the jobs in groups; outcomes[job.task] is written.
void climb_in_groups(backend::Arena& arena, const std::vector<Job>& jobs, const std::function<bool()>& stop,
                     std::vector<Outcome>& outcomes) {
  std::map<Group, std::vector<const Job*>> groups;
  for (const Job& job : jobs) {
    if (job.starts.empty()) {
      outcomes[job.task] = {};
    } else if (job.stop != nullptr) {
      const Job* alone = &job;
      climb(arena, {&alone, 1}, job.stop, outcomes);
    } else {
      groups[group_of(job)].push_back(&job);
    }
  }
  for (const auto& [key, members] : groups) {
    std::size_t first = 0;
    while (first < members.size()) {
      std::size_t last = first, problems = 0;
      while (last < members.size() && (last == first || problems + members[last]->starts.size() <= kMostProblems))
        problems += members[last++]->starts.size();
      if (stop && stop()) {
        for (std::size_t i = first; i < last; ++i) outcomes[members[i]->task] = {{}, 0, true};
      } else {
        climb(arena, std::span(members).subspan(first, last - first), &stop, outcomes);
      }
      first = last;
    }
  }
}

/// Every k-th observation, so that at most `count` remain.
void thin(const FitTask& task, std::int64_t count, Job& job) {
  const std::size_t n = task.targets.size(), d = task.settings.categorical.size();
  const std::size_t stride = (n + static_cast<std::size_t>(count) - 1) / static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < n; i += stride) {
    const std::span<const double> row = task.points.subspan(i * d, d);
    job.thinned_points.insert(job.thinned_points.end(), row.begin(), row.end());
    job.thinned_targets.push_back(task.targets[i]);
    if (!task.noise_weights.empty()) job.thinned_weights.push_back(task.noise_weights[i]);
  }
  job.points = job.thinned_points;
  job.targets = job.thinned_targets;
  job.noise_weights = job.thinned_weights;
}

/// A part of a search: all starts that are left climb for some rounds, and the best ends are the starts of the next part.
struct Stage {
  int rounds = 0;
  std::size_t kept = 0;  ///< ends that go on
  bool thinned = false;  ///< on part of the observations
};

/// A search on its way.
struct Search {
  std::vector<Theta> next;    ///< starts of the next stage
  std::vector<Stage> stages;  ///< to come, the last first
  std::optional<End> best;    ///< of the last stage that could evaluate anything
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
  out.push_back({halved ? options.max_rounds - options.trial_rounds : options.max_rounds, 1, screened});
  if (halved) out.push_back({options.trial_rounds, static_cast<std::size_t>(options.finalists), screened});
  return out;
}

Job whole_job(const FitTask& task, std::size_t index) {
  Job job;
  job.task = index;
  job.points = task.points;
  job.targets = task.targets;
  job.noise_weights = task.noise_weights;
  job.settings = &task.settings;
  if (task.options.stop) job.stop = &task.options.stop;
  return job;
}

/// Ends whose log densities differ by less have come to the same place: one of them goes on.
constexpr double kSamePlace = 1e-3;

/// Takes in what a stage found.
void take_in(const Outcome& outcome, const Stage& stage, Search& search) {
  search.rounds += outcome.rounds;
  search.stopped = outcome.stopped;
  if (!outcome.ends.empty()) search.best = outcome.ends.front();
  search.next.clear();
  double last = -INFINITY;
  for (const End& end : outcome.ends) {
    if (search.next.size() == stage.kept || end.value - last < kSamePlace) continue;
    search.next.push_back(end.theta);
    last = end.value;
  }
  if (search.stopped || search.next.empty()) search.stages.clear();
}

/// Runs the next stage of every search, all of them at once.
void advance(backend::Arena& arena, std::span<const FitTask> tasks, std::vector<Search>& searches,
             const std::function<bool()>& stop) {
  std::vector<Outcome> outcomes(tasks.size());
  std::vector<Stage> stages(tasks.size());
  std::vector<Job> jobs;
  jobs.reserve(tasks.size());  // jobs show their own thinned data: they must not move
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    Search& search = searches[t];
    if (search.stages.empty()) continue;
    stages[t] = search.stages.back();
    search.stages.pop_back();
    Job& job = jobs.emplace_back(whole_job(tasks[t], t));
    job.starts = search.next;
    job.max_rounds = stages[t].rounds;
    if (stages[t].thinned) thin(tasks[t], tasks[t].options.screening, job);
  }
  climb_in_groups(arena, jobs, stop, outcomes);
  for (const Job& job : jobs) take_in(outcomes[job.task], stages[job.task], searches[job.task]);
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
                       search.rounds, fitted, search.stopped});
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
