/// A first look at a file, before SQLite opens it.
#pragma once

#include "storage/location.hpp"

namespace warpbo::storage {

/// Whether the file holds a database, judged by its first bytes and its size. Returns false for an empty file. Throws
/// `invalid_argument` for a file that is something else and `data_corrupt` for a database whose beginning is damaged or whose
/// end is missing.
[[nodiscard]] bool holds_database(const Location& location);

}  // namespace warpbo::storage
