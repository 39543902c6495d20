/// What every kind of store refuses, so that all of them refuse the same.
#pragma once

#include <warpbo/storage.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace warpbo::storage {

/// Throws `invalid_argument` unless the name has 1 to 512 characters of UTF-8 without control characters.
void check_study_name(std::string_view name);
/// Throws `invalid_argument` unless the key has 1 to 512 bytes of UTF-8 and the text is JSON of at most 16 MiB.
void check_attribute(std::string_view key, std::string_view json);
void check_attributes(const std::map<std::string, std::string>& attributes);
/// A complete trial needs a value that is a number or infinite, and the state must be a finished one.
void check_finish(const Storage::Finish& finish);

/// A trial as it is when it is created, without id and number: checked, parameters normalized, times set.
[[nodiscard]] Trial make_trial(const Space& space, const NewTrial& fresh);

[[noreturn]] void no_such_study(std::string_view label, std::int64_t study_id);
[[noreturn]] void no_such_trial(std::string_view label, std::int64_t trial_id);
[[noreturn]] void study_exists(std::string_view label, std::string_view name);
[[noreturn]] void trial_finished(std::string_view label, std::int64_t number);

/// A random (version 4) UUID as a JSON text, quotes included.
[[nodiscard]] std::string new_uuid_json();

inline constexpr std::string_view kUuidKey = "warpbo:uuid";
inline constexpr std::string_view kSpaceKey = "warpbo:space";
inline constexpr std::string_view kUnreadKey = "warpbo:unread";

}  // namespace warpbo::storage
