/// The store that lives in memory: the same behaviour as a file, without the file.
#pragma once

#include <warpbo/storage.hpp>

#include <map>
#include <mutex>
#include <vector>

namespace warpbo::storage {

class MemoryStorage final : public Storage {
 public:
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
  std::string url() const override { return "memory:"; }
  bool read_only() const noexcept override { return false; }

 private:
  struct Study {
    StudyRecord record;
    std::vector<std::int64_t> trials;  ///< ids by number, increasing
    std::vector<ParameterSpec> seen;   ///< what the trials were created with
  };

  Study& study(std::int64_t study_id);
  Trial& trial(std::int64_t trial_id);
  static void note_parameters(Study& study, const Space& space, const Parameters& parameters);

  std::mutex mutex_;
  std::map<std::int64_t, Study> studies_;
  std::map<std::int64_t, Trial> trials_;           // by id
  std::map<std::int64_t, std::int64_t> study_of_;  // trial id -> study id
  std::int64_t last_study_ = 0;
  std::int64_t last_trial_ = 0;
  std::uint64_t version_ = 0;
};

}  // namespace warpbo::storage
