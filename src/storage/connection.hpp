/// Opening a store's file, and keeping watch over it while it is open.
#pragma once

#include "storage/location.hpp"
#include "storage/sqlite.hpp"

#include <warpbo/storage.hpp>

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace warpbo::storage {

class Connection {
 public:
  /// Opens the store; in read_write mode an empty one gets its tables. Throws as `open_storage` documents.
  Connection(const Location& location, OpenMode mode);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The database, ready for use: opened again if an input/output error spoiled it or if a file that is read as it lay there
  /// has changed. Throws `conflict` if another file lies at the path now, `unavailable` in a forked child.
  Database& ready();

  /// Throws `conflict` if the path no longer leads to the file that was opened.
  void check_identity() const;

  /// A number that grows whenever another connection changed the file.
  std::uint64_t foreign_changes();

 private:
  /// How a read-only store is read.
  enum class View {
    live,       ///< through SQLite's shared memory: sees every commit
    immutable,  ///< nobody can write here: without locks, opened again when the file changes
    copy,       ///< a write-ahead log was left where we cannot write: from a private copy, made again when the files change
  };
  /// Size and time of the file and its log; differs after any change.
  struct Snapshot {
    std::int64_t size = -1, log_size = -1;
    std::int64_t time = 0, log_time = 0;
    friend bool operator==(const Snapshot&, const Snapshot&) = default;
  };

  void open_writable();
  void open_read_only();
  bool try_live();
  void open_immutable();
  void open_copy();
  void remove_copy() noexcept;
  void check_content();
  [[nodiscard]] Snapshot snapshot() const;

  Location location_;
  OpenMode mode_;
  pid_t process_;
  std::optional<FileIdentity> identity_;
  std::unique_ptr<Database> database_;
  View view_ = View::live;
  Snapshot seen_;
  std::string copy_directory_;
  std::optional<std::int64_t> data_version_;
  std::uint64_t foreign_changes_ = 0;
};

}  // namespace warpbo::storage
