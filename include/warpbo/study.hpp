/// A study: one search space, one objective, and the trials made so far.
///
///     warpbo::Space space;
///     space.real("x", -5, 10);
///     space.real("y", 0, 15);
///     auto study = warpbo::Study::open_or_create("branin", space, {}, "sqlite:branin.db");
///     while (study.count(warpbo::TrialState::complete) < 40) {
///       warpbo::Trial trial = study.ask();
///       study.tell(trial, branin(trial.get<double>("x"), trial.get<double>("y")));
///     }
///     std::cout << *study.best().value << "\n";
///
/// A Study may be used by several threads at once, and several processes may open the same study. A trial is durable before
/// `ask` returns it, a result is durable before `tell` returns; what others wrote is seen by the next call.
///
/// Asks of one object take turns, so that the trials of one are pending for the next; telling never waits for a model that is
/// being fitted. Processes do not wait for one another. Should two of them propose the same point at the same moment, the later
/// one is moved before its caller sees it (not where the whole space is used up).
///
/// A run repeats exactly when its asks, results and options, the seed among them, do; it makes no difference whether one
/// process or a sequence of them makes it. The space and the direction are kept in the store, options are not: give the same
/// when you continue.
#pragma once

#include <warpbo/export.hpp>
#include <warpbo/sampler.hpp>
#include <warpbo/space.hpp>
#include <warpbo/storage.hpp>
#include <warpbo/trial.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo {

struct StudyOptions {
  Direction direction = Direction::minimize;
  SamplerOptions sampler;
  /// Use this strategy instead of a built-in one. Of `sampler` only `noise` counts then (whether points may be repeated), and
  /// `seed` for the points that replace what the strategy fails to give.
  std::shared_ptr<Sampler> custom_sampler;
  /// Called once per cause with a sentence that a person should read (a degraded proposal, a space that is exhausted, spread
  /// lost to a large offset, nothing but failures). May be called from any thread that uses the study, at the end of a call and
  /// with no lock held; what it throws is ignored. Default: nothing.
  std::function<void(std::string_view)> on_notice;
};

/// What one `ask` may be told beyond its size.
struct AskOptions {
  int count = 1;  ///< q, how many trials are wanted; 1 to 1,000,000
  /// Values that each of them must take; a conditional parameter needs those of its condition beside it. Waiting trials, which
  /// need not have these values, are then left to other asks.
  Parameters fixed;
  std::map<std::string, std::string> attributes;  ///< JSON texts stored with each trial, such as who asked
};

class WARPBO_EXPORT Study {
 public:
  /// Creates a study. Throws `conflict` if the store has one of this name.
  static Study create(std::string_view name, const Space& space, const StudyOptions& options = {},
                      std::string_view store = "memory:");
  /// Opens an existing study with the space it was created with; throws `not_found` and lists the names there are. The
  /// direction in `options` is ignored in favour of the stored one. A study of another program (Optuna) gets the space that its
  /// trials span
  /// (`infer_space`); to give it conditions or constraints, use `open_or_create`.
  static Study open(std::string_view name, const StudyOptions& options = {},
                    std::string_view store = "memory:", OpenMode mode = OpenMode::read_write);
  /// Opens the study if it exists and creates it otherwise. Throws `conflict`, naming the difference, if it exists with another
  /// space or direction. A study of another program takes this space if it agrees with the limits and choices of its trials.
  static Study open_or_create(std::string_view name, const Space& space, const StudyOptions& options = {},
                              std::string_view store = "memory:");
  /// The same over a store that is open already.
  static Study create(std::string_view name, const Space& space, const StudyOptions& options, std::shared_ptr<Storage> store);
  static Study open(std::string_view name, const StudyOptions& options, std::shared_ptr<Storage> store);
  static Study open_or_create(std::string_view name, const Space& space, const StudyOptions& options,
                              std::shared_ptr<Storage> store);

  ~Study();
  Study(Study&&) noexcept;
  Study& operator=(Study&&) noexcept;

  /// Proposes one trial.
  Trial ask();
  /// Proposes `count` trials jointly; waiting (enqueued) ones come first. Returns fewer only when a finite space has no
  /// unproposed point left; throws `exhausted` when it has none at all. Never fails for numeric reasons: where a model fails,
  /// quasi-random points take its place, and the trial's attribute "warpbo:degraded" and a notice say so. When the store fails,
  /// no trial is handed out, and those that waited still wait.
  std::vector<Trial> ask(int count);
  std::vector<Trial> ask(const AskOptions& options);

  /// Reports a result. NaN makes the trial failed. An infinity in the bad direction (+inf when minimizing) is kept as "worse
  /// than everything"; in the good direction it throws `invalid_argument`. Telling the same value twice is harmless; another
  /// value throws `already_finished` and the first is kept. Unknown trials, and all trials of a deleted study, throw
  /// `not_found`.
  void tell(const Trial& trial, double value) { tell(trial.number, value); }
  void tell(std::int64_t number, double value);
  /// Reports many results in one transaction. Where some contradict an earlier result, the others are recorded and
  /// `already_finished` is thrown; any other error means that none was recorded.
  struct Result {
    std::int64_t number = 0;
    double value = 0;
  };
  void tell(const std::vector<Result>& results);

  /// Reports that a trial gave no value, and why (at most 16 KiB are kept). Its region is avoided from then on. Failing a trial
  /// twice is harmless, the first reason stays; a complete one throws `already_finished`.
  void fail(const Trial& trial, std::string_view reason) { fail(trial.number, reason); }
  void fail(std::int64_t number, std::string_view reason);

  /// Queues a known-good point: the next asks hand it out first. Parameters may be incomplete: the rest is proposed. Throws
  /// `invalid_argument` if it does not fit the space. Returns the trial's number.
  std::int64_t enqueue(const Parameters& parameters);
  /// Adds a point with a known result, evaluated elsewhere; the rules of `tell` hold for the value.
  std::int64_t add(const Parameters& parameters, double value);
  /// Puts a running trial (of a worker that died) back into the queue. False if it was not running.
  bool requeue(std::int64_t number);
  /// Stores an attribute (a JSON text) with a trial.
  void set_attribute(std::int64_t number, std::string_view key, std::string_view json);

  /// The best complete trial with a finite value; of equal ones the first. Throws `need_more_data` when there is none.
  [[nodiscard]] Trial best() const;
  [[nodiscard]] std::optional<Trial> try_best() const;
  /// All trials by number.
  [[nodiscard]] std::vector<Trial> history() const;
  /// Running and waiting trials.
  [[nodiscard]] std::vector<Trial> pending() const;
  [[nodiscard]] Trial trial(std::int64_t number) const;
  [[nodiscard]] std::int64_t count() const;
  [[nodiscard]] std::int64_t count(TrialState state) const;

  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] const Space& space() const noexcept;
  [[nodiscard]] Direction direction() const noexcept;
  [[nodiscard]] Storage& storage() const noexcept;
  /// The model behind the last proposals of this object.
  [[nodiscard]] ModelSummary model() const;

 private:
  friend class Fleet;
  struct Impl;
  explicit Study(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace warpbo
