/// The state of differential evolution, rebuilt from the finished trials of a study.
///
/// Everything is a function of trial numbers and values, so any process can continue: trial t of an epoch that began at trial s
/// belongs to slot (t - s) mod N, where it competes with the slot's present member. Late results (asynchronous trials) compete
/// when they come.
///
/// F and CR adapt by success history (L-SHADE: Tanabe & Fukunaga 2014; weighted Lehmer means, Cauchy F, normal CR). The
/// settings of trial t are drawn from the history of the trials before it. In a parallel run that history may hold results that
/// were not known when t was proposed; then the settings ascribed to t are close to, not exactly, those that it used, which
/// only blurs the adaptation a little.
///
/// There is no budget to shrink a population with. Instead it begins small (1.5 d) and greedy, and when it has collapsed (or
/// moved nowhere for long), the next epoch begins with twice as many members around the best one (IPOP; Auger & Hansen 2005).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::samplers {

class Population {
 public:
  /// `variables`: the dimension that sets the size; a categorical column of many levels may count for several. `collapsed`: the
  /// largest extent, in any column, of a population that has converged.
  Population(std::size_t dimensions, std::size_t variables, double collapsed, std::uint64_t seed);

  struct Member {
    std::vector<double> row;
    double target = 0;
    bool filled = false;
  };

  /// How trial `number` is made.
  struct Settings {
    double scale = 0.5;      ///< F
    double crossover = 0.5;  ///< CR
    bool from_best = true;   ///< mutate a good member ("pbest/1"), or move from the parent towards it ("current-to-pbest/1")
  };

  /// Tells the result of a trial; in order of their numbers. A failed or pruned one has an infinite target.
  void tell(std::int64_t number, std::span<const double> row, double target);
  /// Closes the generations before `number`: the state in which that trial is proposed.
  void advance(std::int64_t number);

  [[nodiscard]] Settings settings(std::int64_t number) const;
  [[nodiscard]] std::size_t slot(std::int64_t number) const;
  [[nodiscard]] std::span<const Member> members() const noexcept { return members_; }
  [[nodiscard]] std::span<const std::vector<double>> archive() const noexcept { return archive_; }
  /// Slots that hold a member, best first.
  [[nodiscard]] std::vector<std::size_t> ranking() const;
  /// How many of the ranking count as good: the best quarter, at least two.
  [[nodiscard]] static std::size_t good(std::size_t filled);

 private:
  void begin_epoch(std::int64_t number, std::size_t size);
  void close_generation();
  [[nodiscard]] bool collapsed() const;
  void take_late(std::span<const double> row, double target);

  std::size_t dimensions_;
  double collapsed_;
  std::uint64_t seed_;
  std::int64_t epoch_ = 0;       // number of the first trial of the epoch
  std::int64_t generation_ = 0;  // within the epoch
  std::vector<Member> members_;
  std::vector<std::vector<double>> archive_;  // members that were replaced, at most as many as slots
  struct Success {
    double scale, crossover, gain;
  };
  std::vector<Success> successes_;  // of the open generation
  std::vector<double> memory_scale_, memory_crossover_;
  std::size_t memory_next_ = 0;
  int told_ = 0;  // results of the open generation
  int idle_ = 0;  // generations in which nothing improved
};

}  // namespace warpbo::samplers
