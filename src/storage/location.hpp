/// Where a store lies: its URL, and what can be said about the file before and while it is open.
#pragma once

#include <warpbo/storage.hpp>

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace warpbo::storage {

/// A parsed store URL.
struct Location {
  bool memory = false;
  std::string path;   ///< absolute, so that a later chdir changes nothing
  std::string label;  ///< as the user wrote it, for messages: "sqlite:runs/digits.db"
  bool allow_network = false;
};

/// Throws `invalid_argument` for a URL of another kind.
[[nodiscard]] Location parse_location(std::string_view url);

/// The name of a network file system by its statfs magic number ("NFS"), or nothing for a local one.
[[nodiscard]] std::optional<std::string_view> network_file_system(std::uint64_t magic) noexcept;

/// Refuses a file on a network file system, unless allowed: there locks and shared memory may fail silently, and data be lost.
void check_file_system(const Location& location);

/// What distinguishes a file from another one at the same path.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// Of the file at a path, or nothing if there is none.
[[nodiscard]] std::optional<FileIdentity> file_identity(const std::string& path) noexcept;

/// Checks that the path leads to a regular file that may be opened in this mode, creating it (mode 0600, empty) when it is
/// missing and may be written. Throws `invalid_argument` (a directory, a device), `read_only`, `unavailable`.
void prepare_file(const Location& location, OpenMode mode);

/// Makes a new directory entry durable.
void sync_directory_of(const std::string& path) noexcept;

}  // namespace warpbo::storage
