/// Where studies are kept. `Study` needs only this interface; implement it to keep studies in a store of your own.
#pragma once

#include <warpbo/export.hpp>
#include <warpbo/sampler.hpp>
#include <warpbo/space.hpp>
#include <warpbo/trial.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo {

/// A study as the store knows it.
struct StudyRecord {
  std::int64_t id = 0;
  std::string name;
  Direction direction = Direction::minimize;
  /// JSON texts. Ours begin with "warpbo:", among them "warpbo:space" (Space::to_json) and "warpbo:uuid".
  std::map<std::string, std::string> attributes;
};

/// A trial to be created, either `running` (proposed) or `waiting` (enqueued) or already finished (imported).
struct NewTrial {
  TrialState state = TrialState::running;
  Parameters parameters;
  std::optional<double> value;
  std::string failure;
  std::map<std::string, std::string> attributes;  ///< JSON texts
};

/// A store of studies. All methods are thread-safe, and several processes may use one store at a time. Every method that
/// changes something returns only when the change is durable, and either happens whole or not at all. Errors: `read_only`,
/// `resource_exhausted` (disk full; works again once there is space), `data_corrupt`, `version_too_new`, `unavailable`,
/// `not_found` for ids that do not exist (any more).
class WARPBO_EXPORT Storage {
 public:
  virtual ~Storage();

  /// Creates a study. Throws `conflict` if the name is taken.
  virtual StudyRecord create_study(std::string_view name, Direction direction,
                                   const std::map<std::string, std::string>& attributes) = 0;
  [[nodiscard]] virtual std::optional<StudyRecord> find_study(std::string_view name) = 0;
  [[nodiscard]] virtual std::vector<StudyRecord> studies() = 0;
  virtual void delete_study(std::int64_t study_id) = 0;
  virtual void set_study_attribute(std::int64_t study_id, std::string_view key, std::string_view json) = 0;

  /// Inserts trials in one transaction and gives them ids and dense numbers, in order. `space` supplies the distributions.
  virtual std::vector<Trial> create_trials(std::int64_t study_id, const Space& space, std::span<const NewTrial> trials) = 0;

  /// Turns up to `count` waiting trials of the study, lowest number first, into running ones; each is claimed by one caller
  /// only. Parameters that another program enqueued may be incomplete: see `set_trial_parameters`.
  virtual std::vector<Trial> claim_waiting(std::int64_t study_id, std::int64_t count) = 0;

  /// Moves running or waiting trials to `state` in one transaction. A trial that is finished already is left alone and
  /// reported.
  struct Finish {
    std::int64_t trial_id = 0;
    TrialState state = TrialState::complete;
    std::optional<double> value;  ///< needed for complete; may be infinite, not NaN; ignored otherwise
    std::string failure;
    std::map<std::string, std::string> attributes;  ///< merged into the trial's
  };
  /// Which of the finishes took effect, in order.
  virtual std::vector<bool> finish_trials(std::span<const Finish> finishes) = 0;

  /// Puts a running trial back to waiting with the same parameters. False if it was not running.
  virtual bool requeue_trial(std::int64_t trial_id) = 0;
  virtual void set_trial_attribute(std::int64_t trial_id, std::string_view key, std::string_view json) = 0;
  /// Replaces the parameters of a trial that is not finished: completes an enqueued one that was claimed, or moves a proposal
  /// away from an equal one of another process before anybody saw it. `space` supplies the distributions. Throws
  /// `already_finished`.
  virtual void set_trial_parameters(std::int64_t trial_id, const Space& space, const Parameters& parameters) = 0;

  /// All trials whose id is larger than `after_id`, plus those of `unfinished` (ids that the caller last saw running or
  /// waiting; the answer may hold unchanged ones too); by number. With after_id = 0 and no `unfinished` this reads the whole
  /// study. `space` orders the parameters and restores the types of values written by others. Nothing is clamped; a parameter
  /// that the space does not know, or whose stored distribution has no value of its kind, is left out and named in the
  /// attribute "warpbo:unread" (a JSON list).
  virtual std::vector<Trial> read_trials(std::int64_t study_id, const Space& space, std::int64_t after_id,
                                         std::span<const std::int64_t> unfinished) = 0;

  /// The parameters that the study's trials carry, as specifications in order of first appearance: the union of the limits and
  /// choices they were created with. Conditions and constraints are not known here. Empty for a study without parameters.
  virtual std::vector<ParameterSpec> parameters_seen(std::int64_t study_id) = 0;

  /// A number that changes whenever anybody changes the store; lets a reader skip `read_trials`.
  [[nodiscard]] virtual std::uint64_t version() = 0;

  /// For messages: "sqlite:runs/digits.db", "memory:".
  [[nodiscard]] virtual std::string url() const = 0;
  [[nodiscard]] virtual bool read_only() const noexcept = 0;
};

/// How a store is opened.
enum class OpenMode { read_write, read_only };

/// Opens a store by its URL:
///   "sqlite:PATH"  a file; a bare path and "sqlite:///PATH" (as SQLAlchemy and Optuna write it) mean the same. It is created
///   with mode
///                  0600 if it is missing (its directory must exist). Its schema is Optuna's, so optuna-dashboard opens it too.
///                  Append "?allow-network-fs" to use a file on a network file system, where SQLite's locks may not work.
///   "memory:"      lives as long as the object.
/// Throws `invalid_argument` for a file that is not a store (nothing is changed), `data_corrupt`, `version_too_new`,
/// `read_only`, `unavailable` (no such directory; a network file system). With `OpenMode::read_only` a store on read-only media
/// can be read, even when a write-ahead log was left beside it. An object must not be used in a process forked after it was
/// opened; it throws `unavailable` there.
WARPBO_EXPORT std::shared_ptr<Storage> open_storage(std::string_view url, OpenMode mode = OpenMode::read_write);

/// Derives a search space from the distributions that another program (Optuna) wrote into a study's trials: the union of all
/// parameters seen. A parameter that only some trials have is proposed always. Optuna's choice None becomes the string "None"
/// (and is written back as None). Throws `need_more_data` when the study has no trial with parameters.
WARPBO_EXPORT Space infer_space(Storage& storage, std::int64_t study_id);

}  // namespace warpbo
