/// Writing what belongs to a trial into the tables.
#pragma once

#include "storage/sqlite.hpp"

#include <warpbo/space.hpp>
#include <warpbo/trial.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo::storage {

/// What the schema wants to know about each parameter of a space: computed once per call, used for every trial.
class StoredSpace {
 public:
  /// The space must outlive this object. `label` names the store in messages.
  StoredSpace(Database& database, std::int64_t study_id, const Space& space, std::string_view label);

  /// Writes the parameters of a trial, which are normalized and in the space's order. Those that it has already are kept.
  void write(Database& database, std::int64_t trial_id, const Parameters& parameters) const;

 private:
  const Space& space_;
  std::vector<std::string> texts_;
};

/// Objective values; infinite ones have a word instead of a number.
void write_value(Database& database, std::int64_t trial_id, double value);

/// The values that a trial is enqueued with, as Optuna notes them: the system attribute "fixed_params".
void write_wish(Database& database, std::int64_t trial_id, const Parameters& parameters);
/// The same, only if the trial has such a note already.
void update_wish(Database& database, std::int64_t trial_id, const Parameters& parameters);

}  // namespace warpbo::storage
