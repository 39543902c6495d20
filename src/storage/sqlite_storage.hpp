/// The store in an SQLite file.
///
/// One connection per object, used by one thread at a time. Every change is one transaction that takes the write lock at its
/// start (BEGIN IMMEDIATE), so that numbers are dense and claims exclusive among processes; it is durable when COMMIT returns
/// (write-ahead log with synchronous=FULL). Before and after each change the file is compared with the one that was opened, so
/// that nothing is acknowledged into a file that was replaced or deleted meanwhile.
#pragma once

#include "storage/connection.hpp"
#include "storage/location.hpp"
#include "storage/sqlite.hpp"

#include <warpbo/storage.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace warpbo::storage {

class SqliteStorage final : public Storage {
 public:
  SqliteStorage(Location location, OpenMode mode);
  ~SqliteStorage() override;

  StudyRecord create_study(std::string_view name, Direction direction,
                           const std::map<std::string, std::string>& attributes) override;
  std::optional<StudyRecord> find_study(std::string_view name) override;
  std::vector<StudyRecord> studies() override;
  void delete_study(std::int64_t study_id) override;
  void set_study_attribute(std::int64_t study_id, std::string_view key, std::string_view json) override;
  std::vector<Trial> create_trials(std::int64_t study_id, const Space& space, std::span<const NewTrial> trials) override;
  std::vector<Trial> claim_waiting(std::int64_t study_id, std::int64_t count) override;
  std::vector<bool> finish_trials(std::span<const Finish> finishes) override;
  bool requeue_trial(std::int64_t trial_id) override;
  void set_trial_attribute(std::int64_t trial_id, std::string_view key, std::string_view json) override;
  void set_trial_parameters(std::int64_t trial_id, const Space& space, const Parameters& parameters) override;
  std::vector<Trial> read_trials(std::int64_t study_id, const Space& space, std::int64_t after_id,
                                 std::span<const std::int64_t> unfinished) override;
  std::vector<ParameterSpec> parameters_seen(std::int64_t study_id) override;
  std::uint64_t version() override;
  std::string url() const override { return location_.label; }
  bool read_only() const noexcept override { return mode_ == OpenMode::read_only; }

 private:
  struct StoredTrial {
    std::int64_t study_id = 0;
    std::int64_t number = 0;
    TrialState state = TrialState::running;
  };

  template <class Body>
  auto read(Body body);
  template <class Body>
  auto write(Body body);
  Database& ready();

  void require_study(Database& database, std::int64_t study_id);
  StoredTrial require_trial(Database& database, std::int64_t trial_id);
  void write_study_attribute(Database& database, std::int64_t study_id, std::string_view key, std::string_view json);
  void write_trial_attributes(Database& database, std::int64_t trial_id, const std::map<std::string, std::string>& attributes);
  void finish_trial(Database& database, const Finish& finish);
  std::optional<Space> stored_space(Database& database, std::int64_t study_id);
  static StudyRecord read_study(Database& database, std::int64_t study_id, std::string name);

  Location location_;
  OpenMode mode_;
  std::mutex mutex_;
  Connection connection_;
  std::uint64_t own_changes_ = 0;
  /// The UUID that each study had when it was first used here: another study under the same id is not the same study.
  std::unordered_map<std::int64_t, std::string> uuids_;
};

}  // namespace warpbo::storage
