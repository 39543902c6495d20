/// The tables: Optuna's RDB schema, version 12 (alembic head v3.2.0.a), so that Optuna and its dashboard open the same file.
#pragma once

#include "storage/sqlite.hpp"

#include <string>

namespace warpbo::storage {

/// What a database holds, judged without changing it.
enum class SchemaState {
  empty,     ///< no table at all
  partial,   ///< some of Optuna's tables: their creation was interrupted, or goes on in another process
  complete,  ///< ready for use
};

/// Throws `invalid_argument` for a database of another program or of an older Optuna, `version_too_new` for a newer one.
[[nodiscard]] SchemaState inspect_schema(Database& database, const std::string& label);

/// Creates whatever is missing, in one transaction that first looks again: several processes may try at once.
void create_schema(Database& database, const std::string& label);

}  // namespace warpbo::storage
