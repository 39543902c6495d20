/// Times as Optuna 5 stores them: naive UTC, "2026-11-23 20:36:00.297826".
#pragma once

#include <warpbo/trial.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace warpbo::storage {

/// Now, in whole microseconds, the resolution of a store.
[[nodiscard]] Trial::Time current_time();
[[nodiscard]] std::string format_time(Trial::Time time);
/// Nothing if the text is not a time of this form; the fraction may be missing.
[[nodiscard]] std::optional<Trial::Time> parse_time(std::string_view text);

}  // namespace warpbo::storage
