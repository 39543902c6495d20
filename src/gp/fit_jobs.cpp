#include "gp/fit_jobs.hpp"

#include "optimize/multi_start.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <map>
#include <numbers>
#include <tuple>

namespace warpbo::gp {

namespace {

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
void climb_group(backend::Arena& arena, std::span<const Job* const> jobs, const std::function<bool()>* stop,
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

}  // namespace

std::vector<Outcome> climb(backend::Arena& arena, const std::vector<Job>& jobs, const std::function<bool()>& stop) {
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
      climb_group(arena, {&job, 1}, job->stop, {&outcome, 1});
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
        climb_group(arena, std::span(members.jobs).subspan(first, last - first), &stop,
                    std::span(members.outcomes).subspan(first, last - first));
      }
      first = last;
    }
  }
  return outcomes;
}

}  // namespace warpbo::gp
