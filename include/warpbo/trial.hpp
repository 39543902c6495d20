/// Parameter values, and the trial that carries them from `ask` to `tell`.
#pragma once

#include <warpbo/error.hpp>
#include <warpbo/export.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace warpbo {

/// One parameter's value. Types are kept apart: `1`, `1.0`, `true` and `"1"` are four different values.
using Value = std::variant<bool, std::int64_t, double, std::string>;

/// The value as text: integers exactly, doubles in the shortest form that reads back to the same bits, bools as true/false.
/// Never depends on the locale.
WARPBO_EXPORT std::string to_string(const Value& value);

/// A set of named values in a fixed order (the order of the search space). Conditional parameters whose condition does not
/// hold are absent.
class WARPBO_EXPORT Parameters {
 public:
  using Entry = std::pair<std::string, Value>;

  Parameters() = default;
  Parameters(std::initializer_list<Entry> entries);

  /// Sets or replaces a value; a new name goes to the end.
  void set(std::string_view name, Value value);
  /// The value, or nullptr when the name is absent.
  [[nodiscard]] const Value* find(std::string_view name) const noexcept;
  [[nodiscard]] bool contains(std::string_view name) const noexcept { return find(name) != nullptr; }
  /// The value. Throws `not_found` when the name is absent.
  [[nodiscard]] const Value& at(std::string_view name) const;

  /// The value as bool, std::int64_t (or int), double or std::string. An integer reads as double too; any other mismatch throws
  /// `invalid_argument`. An absent name throws `not_found`.
  template <class T>
  [[nodiscard]] T get(std::string_view name) const;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() const noexcept { return entries_.end(); }
  friend bool operator==(const Parameters&, const Parameters&) = default;

 private:
  std::vector<Entry> entries_;
};

template <>
WARPBO_EXPORT bool Parameters::get<bool>(std::string_view name) const;
template <>
WARPBO_EXPORT int Parameters::get<int>(std::string_view name) const;
template <>
WARPBO_EXPORT std::int64_t Parameters::get<std::int64_t>(std::string_view name) const;
template <>
WARPBO_EXPORT double Parameters::get<double>(std::string_view name) const;
template <>
WARPBO_EXPORT std::string Parameters::get<std::string>(std::string_view name) const;

/// Where a trial stands. The names and numbers are Optuna's, so that a store can be shared with it.
enum class TrialState : int { running = 0, complete = 1, pruned = 2, failed = 3, waiting = 4 };

/// "running", "complete", "pruned", "failed" or "waiting".
WARPBO_EXPORT std::string_view to_string(TrialState state) noexcept;

/// True for complete, pruned and failed.
[[nodiscard]] constexpr bool is_finished(TrialState state) noexcept {
  return state != TrialState::running && state != TrialState::waiting;
}

/// One evaluation of the objective: proposed, running or finished. A plain value, safe to copy to another thread.
struct WARPBO_EXPORT Trial {
  using Time = std::chrono::system_clock::time_point;

  std::int64_t id = 0;      ///< unique in the store
  std::int64_t number = 0;  ///< 0, 1, 2, ... within the study, without gaps
  TrialState state = TrialState::running;
  Parameters parameters;
  std::optional<double> value;  ///< the objective as told, in the user's direction; only when complete
  std::string failure;          ///< why it failed; empty otherwise
  std::optional<Time> started;  ///< wall clock, informational only
  std::optional<Time> finished;
  /// Free-form attributes, each a JSON text (so a string is stored with its quotes). Keys that begin with "warpbo:" are ours:
  /// "warpbo:origin" tells how the proposal was made, "warpbo:degraded" what had to be given up.
  std::map<std::string, std::string> attributes;

  /// Shorthand for `parameters.get<T>(name)`.
  template <class T>
  [[nodiscard]] T get(std::string_view name) const {
    return parameters.get<T>(name);
  }
};

}  // namespace warpbo
