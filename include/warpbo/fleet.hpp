/// Many studies in one process: a service asks hundreds of them in one call and reports the results of hundreds in another.
///
///     warpbo::Fleet fleet;
///     auto store = warpbo::open_storage("sqlite:studies.db");
///     std::vector<warpbo::Fleet::Ask> asks;
///     for (const std::string& customer : customers) {
///       warpbo::StudyOptions options;
///       options.sampler.seed = seed_of(customer);
///       asks.push_back({fleet.open({customer, space, options, store})});
///     }
///     for (int round = 0; round < 40; ++round) {
///       std::vector<warpbo::Fleet::Tell> tells;
///       for (const warpbo::Fleet::Asked& asked : fleet.ask(asks)) {
///         if (asked.error) {
///           log(asked.study, asked.error->what());
///           continue;
///         }
///         for (const warpbo::Trial& trial : asked.trials)
///           tells.push_back({asked.study, {{trial.number, measure(asked.study, trial)}}});
///       }
///       (void)fleet.tell(tells);
///     }
///
/// What a study proposes is what it would propose alone, asked in the same order with the same options: to the bit on the CPU
/// (once a factor is extended, beyond 200 observations, up to rounding errors where the model was released in between).
/// Together they are faster: the hyperparameters of all small models that are due are searched in one batch whose axis is the
/// study, then the studies are asked side by side, one per core; on a GPU all share one engine.
///
/// A study that is slow or broken harms no other. What goes wrong with one is a value in its answer. One that does not answer
/// (a store that hangs, a strategy of your own that sleeps) keeps no core from the others, and with `max_seconds` the call
/// returns without it. All methods may be called by several threads at once; nothing is shared between two fleets.
///
/// Memory: every open study keeps its trials (a few KB each) and its space. The models' matrices, 16 n^2 bytes and a megabyte
/// of temporaries per study, are given back when all of them together exceed `FleetOptions::model_bytes`, those not asked for
/// the longest time first; hyperparameters are kept, so that the next ask of such a study only factors its matrix again.
#pragma once

#include <warpbo/error.hpp>
#include <warpbo/export.hpp>
#include <warpbo/space.hpp>
#include <warpbo/storage.hpp>
#include <warpbo/study.hpp>
#include <warpbo/trial.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace warpbo {

struct FleetOptions {
  int threads = 0;  ///< studies worked on at the same time; 0: one per core that the process may use
  /// Bytes that the models of all studies may hold together between calls.
  std::size_t model_bytes = std::size_t{512} << 20;
};

class WARPBO_EXPORT Fleet {
 public:
  /// A study's number in this fleet; never given twice.
  using Id = std::int64_t;

  enum class Open { open_or_create, create, open };  ///< what Study's methods of these names do

  struct StudyToOpen {
    std::string name;
    Space space;  ///< not used by Open::open
    /// A `custom_sampler` must be the study's own: those of two studies may be called at the same moment.
    StudyOptions options;
    std::shared_ptr<Storage> store;  ///< may be shared by all studies; null: one in memory for this study alone
    Open how = Open::open_or_create;
  };
  struct Opened {
    Id study = -1;
    std::optional<Error> error;
  };

  struct Ask {
    Id study = -1;
    AskOptions options = {};
  };
  struct Asked {
    Id study = -1;
    std::vector<Trial> trials;   ///< as of Study::ask: fewer than wanted only where a finite space has no more
    std::optional<Error> error;  ///< why there are none
  };
  struct AskSettings {
    /// Seconds after which the call returns with what there is; 0: when all have answered. Studies that have not answered until
    /// then have the error `unavailable`. Nothing is lost: what such a study proposes later is put into its queue, and its next
    /// ask hands it out first.
    double max_seconds = 0;
    /// Called as soon as a study has answered, on a thread of the fleet, before the call returns; may be called on several
    /// threads at once. Not for studies that are too late. What it throws is ignored.
    std::function<void(const Asked&)> on_answer = {};
  };

  struct Failure {
    std::int64_t number = 0;
    std::string reason;
  };
  struct Tell {
    Id study = -1;
    std::vector<Study::Result> results;
    std::vector<Failure> failures = {};
  };
  struct Told {
    Id study = -1;
    std::optional<Error> error;  ///< the first one; what else was told has been recorded as far as Study::tell says
  };

  explicit Fleet(const FleetOptions& options = {});
  /// Waits for what is being worked on, also for studies that were too late.
  ~Fleet();
  Fleet(Fleet&&) noexcept;
  Fleet& operator=(Fleet&&) noexcept;

  /// Opens one study; throws what the methods of Study throw.
  Id open(const StudyToOpen& study);
  /// Opens many, side by side; the answers are in the order of the request.
  std::vector<Opened> open(std::span<const StudyToOpen> studies);
  /// Forgets a study; its trials stay in the store. One that is being asked ends with that ask. False if there was none.
  bool close(Id study);

  /// Asks any number of studies; the answers are in the order of the request. A study that occurs several times is asked in
  /// that order. Throws only for lack of memory.
  std::vector<Asked> ask(std::span<const Ask> asks, double max_seconds = 0);
  std::vector<Asked> ask(std::span<const Ask> asks, const AskSettings& settings);
  /// Reports results and failures of any number of studies: one transaction per `Tell` for its results and one per failure.
  /// After `max_seconds` (0: when all is recorded) the missing ones have the error `unavailable`: they may yet be recorded;
  /// telling them again does no harm.
  std::vector<Told> tell(std::span<const Tell> tells, double max_seconds = 0);

  /// The study itself, for everything else (best, history, enqueue, ...). Throws `not_found`.
  [[nodiscard]] std::shared_ptr<Study> study(Id study) const;
  [[nodiscard]] std::vector<Id> studies() const;
  [[nodiscard]] std::size_t size() const;
  /// Bytes that models hold at the moment, as far as they are known.
  [[nodiscard]] std::size_t model_bytes() const;

 private:
  struct Impl;
  class AskCall;
  std::unique_ptr<Impl> impl_;
};

}  // namespace warpbo
