/// Reading studies and trials out of the tables.
#pragma once

#include "storage/sqlite.hpp"

#include <warpbo/storage.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo::storage {

/// Where a trial's failure reason is kept: a user attribute, which Optuna's tables and dashboards show.
inline constexpr std::string_view kFailureKey = "warpbo:failure";
[[nodiscard]] std::string failure_json(std::string_view reason);

/// "RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING".
[[nodiscard]] std::string_view state_name(TrialState state) noexcept;
/// Throws `data_corrupt` for any other word.
[[nodiscard]] TrialState parse_state(std::string_view name, std::string_view label);

/// Trial ids in (after, last].
struct IdRange {
  std::int64_t after = 0;
  std::int64_t last = 0;
};
/// The ids as few ranges; neighbours are joined.
[[nodiscard]] std::vector<IdRange> ranges_of(std::vector<std::int64_t> ids);

/// The study's trials in these ranges, by number. Without a space the values keep the types that they were stored with.
[[nodiscard]] std::vector<Trial> load_trials(Database& database, std::int64_t study_id, const Space* space,
                                             const std::vector<IdRange>& ranges, std::string_view label);

[[nodiscard]] std::vector<ParameterSpec> load_parameters_seen(Database& database, std::int64_t study_id,
                                                              std::string_view label);

/// The number of the study's next trial.
[[nodiscard]] std::int64_t next_number(Database& database, std::int64_t study_id);

/// Throws `invalid_argument` for a study with several objectives.
void check_single_objective(Database& database, std::int64_t study_id, std::string_view name, std::string_view label);

}  // namespace warpbo::storage
