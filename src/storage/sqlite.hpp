/// A thin owner around SQLite's C API: connections, prepared statements, errors as warpbo::Error.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace warpbo::storage {

class Database;

/// A prepared statement, ready to be bound; goes back to reusable state when it leaves scope.
class Statement {
 public:
  Statement(Database& database, sqlite3_stmt* handle) : database_(database), handle_(handle) {}
  ~Statement() { reset(); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Parameters are counted from 1. Text must stay alive until the statement is reset.
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);
  Statement& bind_null(int index);

  /// True while there is a row.
  bool step();
  /// Runs a statement that gives no rows, and makes it ready to be bound again.
  void run();
  void reset() noexcept;

  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
  [[nodiscard]] double real(int column) const { return sqlite3_column_double(handle_, column); }
  /// Valid until the next step.
  [[nodiscard]] std::string_view text(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* handle_;
};

/// A connection. Waits up to a minute for other connections' locks, in small random steps that get shorter after seconds of
/// waiting.
class Database {
 public:
  /// Opens with SQLITE_OPEN_ flags; `path` may be a "file:" URI if the flags say so. `label` names the store in messages.
  Database(const std::string& path, int flags, std::string label);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// A statement kept prepared for the life of the connection; `sql` must be a string literal, whose address is the key.
  Statement prepare(const char* sql);
  void execute(const char* sql);
  /// The first column of the first row, if any.
  std::optional<std::string> query_text(const char* sql);
  std::optional<std::int64_t> query_integer(const char* sql);

  [[nodiscard]] std::int64_t last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes(handle_.get()); }
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
  [[nodiscard]] bool writable() const { return sqlite3_db_readonly(handle_.get(), "main") == 0; }
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

  /// After an input/output error a connection must not be trusted: what it believes about the file may be wrong.
  [[nodiscard]] bool poisoned() const { return poisoned_; }

  /// Throws what the result code means, and remembers whether the connection can still be used.
  [[noreturn]] void fail(int code);
  /// Forgets the connection without closing it: what a forked child must do with its parent's.
  void abandon() noexcept;

 private:
  [[nodiscard]] int system_error() const;
  static int on_busy(void* self, int attempts) noexcept;

  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::string label_;
  bool poisoned_ = false;
  double waiting_since_ = 0;
  std::uint64_t random_ = 0;
  std::unique_ptr<sqlite3, Close> handle_;
  std::unordered_map<const char*, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

/// A transaction that is rolled back unless it was committed.
class Transaction {
 public:
  enum class Kind { read, write };
  Transaction(Database& database, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  /// Durable when it returns.
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

/// While it lives, a write beyond the file size limit gives an error in this thread instead of the signal SIGXFSZ, which would
/// end the process.
class FileSizeSignalGuard {
 public:
  FileSizeSignalGuard() noexcept;
  ~FileSizeSignalGuard();
  FileSizeSignalGuard(const FileSizeSignalGuard&) = delete;
  FileSizeSignalGuard& operator=(const FileSizeSignalGuard&) = delete;

 private:
  bool blocked_ = false;
};

}  // namespace warpbo::storage
