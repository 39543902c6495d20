/// Trials as tables and JSON.
#pragma once

#include <warpbo/sampler.hpp>
#include <warpbo/space.hpp>
#include <warpbo/trial.hpp>

#include <span>
#include <string>
#include <string_view>

namespace warpbo::cli {

/// A table with the columns of Optuna's `trials_dataframe`: number, value, datetime_start, datetime_complete (UTC), duration,
/// params_*, user_attrs_*, system_attrs_fail_reason, state. Unless `raw`, text that a spreadsheet would run as a formula gets
/// an apostrophe.
[[nodiscard]] std::string to_csv(std::span<const Trial> trials, const Space& space, bool raw);
/// One trial as a line of JSON. Numbers that JSON cannot hold are the strings "inf", "-inf", "nan".
[[nodiscard]] std::string to_json_line(const Trial& trial);
/// A JSON array of such lines.
[[nodiscard]] std::string to_json_array(std::span<const Trial> trials);

/// A cell of a table: quoted where needed.
[[nodiscard]] std::string csv_cell(std::string_view text, bool raw);
/// "COMPLETE", "FAIL" and so on, Optuna's names.
[[nodiscard]] std::string_view state_name(TrialState state);

}  // namespace warpbo::cli
