/// The study's copy of its trials, brought up to date from the store by deltas.
#pragma once

#include <warpbo/space.hpp>
#include <warpbo/storage.hpp>
#include <warpbo/trial.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo::study {

/// What the values of the complete trials have in common; infinite values do not count.
struct ValueRange {
  std::int64_t count = 0;
  double lowest = 0;
  double highest = 0;
};

/// All methods are thread-safe. None is slow: the lock is held for one small query at most, never while a model is fitted.
class View {
 public:
  View(std::shared_ptr<Storage> store, StudyRecord record, const Space& space);

  /// Takes in what anybody changed in the store since the last call. Throws `not_found` when the study was deleted, also when
  /// another one got its name or its id since.
  void refresh();
  /// Takes in trials that a call of this object has just written.
  void merge(std::span<const Trial> trials);
  /// Takes in an attribute that a call of this object has just written. (What others attach to finished trials is seen by those
  /// who open the study later: deltas do not cover finished trials.)
  void set_attribute(std::int64_t number, std::string_view key, std::string_view json);

  [[nodiscard]] std::optional<Trial> find(std::int64_t number) const;
  [[nodiscard]] std::vector<Trial> all() const;
  /// Running and waiting trials, by number.
  [[nodiscard]] std::vector<Trial> unfinished() const;
  /// How many trials were created, which is the number that the next one will get.
  [[nodiscard]] std::int64_t count() const;
  [[nodiscard]] std::int64_t count(TrialState state) const;
  /// The best complete trial with a finite value; of equal ones the first.
  [[nodiscard]] std::optional<Trial> best(Direction direction) const;
  /// The failed trial with the largest number.
  [[nodiscard]] std::optional<Trial> last_failure() const;
  [[nodiscard]] ValueRange values() const;
  /// The trials that have finished since the last call of this method, by number. One reader only.
  [[nodiscard]] std::vector<Trial> take_newly_finished();

 private:
  void check_identity() const;
  void merge_locked(Trial trial);

  const std::shared_ptr<Storage> store_;
  const StudyRecord record_;
  const Space& space_;

  mutable std::mutex mutex_;
  std::map<std::int64_t, Trial> trials_;   // by number
  std::set<std::int64_t> unfinished_;      // numbers
  std::set<std::int64_t> newly_finished_;  // numbers
  std::map<TrialState, std::int64_t> counts_;
  ValueRange values_;
  // Only `refresh` moves this on: ids beyond it may belong to other processes even where this object has created later ones.
  std::int64_t last_read_id_ = 0;
  std::optional<std::uint64_t> version_;
};

}  // namespace warpbo::study
