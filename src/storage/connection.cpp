#include "storage/connection.hpp"

#include "storage/probe.hpp"
#include "storage/schema.hpp"

#include <warpbo/error.hpp>

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <mutex>

namespace warpbo::storage {

namespace {

/// Up to this size the whole file is checked when it is opened (about 0.1 s for the largest).
constexpr std::int64_t kCheckedSize = 32LL << 20;

/// Creating a file and telling an empty one from a store must not interleave within a process.
std::mutex& open_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::int64_t nanoseconds(const timespec& time) { return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec; }

/// A path as the path of a "file:" URI.
std::string percent_encoded(const std::string& path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                       byte == '/' || byte == '.' || byte == '_' || byte == '-';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 0xF];
    }
  }
  return out;
}

void configure(Database& database) {
  database.execute("PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON; PRAGMA cache_size=-8000");
}

}  // namespace

Connection::Connection(const Location& location, OpenMode mode) : location_(location), mode_(mode), process_(getpid()) {
  const std::lock_guard lock(open_mutex());
  const FileSizeSignalGuard guard;
  prepare_file(location_, mode_);
  check_file_system(location_);
  try {
    mode_ == OpenMode::read_only ? open_read_only() : open_writable();
  } catch (...) {
    remove_copy();
    throw;
  }
}

Connection::~Connection() {
  if (getpid() != process_) {
    // A forked child shares its parent's connection: closing it here would let the parent's locks and log go.
    if (database_) database_->abandon();
    return;
  }
  const FileSizeSignalGuard guard;
  database_.reset();
  remove_copy();
}

void Connection::open_writable() {
  identity_ = file_identity(location_.path);
  const bool existing = holds_database(location_);
  database_ = std::make_unique<Database>(location_.path, SQLITE_OPEN_READWRITE, location_.label);
  if (existing) {
    // Until the content is known to be ours nothing may be written, not even a checkpoint when the connection is closed again.
    sqlite3_db_config(database_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    check_content();
    sqlite3_db_config(database_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  }
  if (!database_->writable()) {
    throw Error(ErrorCode::read_only,
                "store " + location_.label + ": it cannot be written; check the permissions of the file, or open it read-only");
  }
  configure(*database_);
  // Another program that has the file open without a log keeps it from getting one; then every change is a little slower.
  try {
    static_cast<void>(database_->query_text("PRAGMA journal_mode=WAL"));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unavailable) throw;
  }
  database_->execute("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000; PRAGMA journal_size_limit=67108864");
  if (inspect_schema(*database_, location_.label) != SchemaState::complete) {
    create_schema(*database_, location_.label);
    sync_directory_of(location_.path);
  }
  check_identity();
}

void Connection::check_content() {
  static_cast<void>(inspect_schema(*database_, location_.label));
  const std::int64_t pages = database_->query_integer("PRAGMA page_count").value_or(0);
  const std::int64_t bytes = pages * database_->query_integer("PRAGMA page_size").value_or(0);
  if (bytes > kCheckedSize) return;
  const std::optional<std::string> verdict = database_->query_text("PRAGMA quick_check(1)");
  if (verdict == "ok") return;
  throw Error(
      ErrorCode::data_corrupt,
      "store " + location_.label + ": the file is damaged (" + verdict.value_or("unreadable") +
          "); it was not changed. Restore a backup, or save what is left into a new file: sqlite3 OLD .recover | sqlite3 NEW");
}

void Connection::open_read_only() {
  identity_ = file_identity(location_.path);
  seen_ = snapshot();
  if (!holds_database(location_)) {
    throw Error(ErrorCode::unavailable, "store " + location_.label + ": the file is empty; create a study first");
  }
  if (!try_live()) {
    seen_.log_size > 0 ? open_copy() : open_immutable();
  }
  configure(*database_);
  check_content();
  if (inspect_schema(*database_, location_.label) != SchemaState::complete) {
    throw Error(ErrorCode::unavailable,
                "store " + location_.label + ": its tables are not complete; open it once with permission to write");
  }
}

bool Connection::try_live() {
  view_ = View::live;
  try {
    database_ = std::make_unique<Database>(location_.path, SQLITE_OPEN_READONLY, location_.label);
    static_cast<void>(database_->query_integer("SELECT count(*) FROM sqlite_master"));
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unavailable && error.code() != ErrorCode::read_only) throw;
    database_.reset();
    return false;
  }
}

void Connection::open_immutable() {
  view_ = View::immutable;
  database_ = std::make_unique<Database>("file:" + percent_encoded(location_.path) + "?immutable=1",
                                         SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, location_.label);
}

void Connection::open_copy() {
  namespace fs = std::filesystem;
  view_ = View::copy;
  remove_copy();
  std::error_code error;
  const fs::path base = fs::temp_directory_path(error);
  std::string pattern = (base / "warpbo-XXXXXX").string();
  if (error || mkdtemp(pattern.data()) == nullptr) {
    throw Error(ErrorCode::unavailable, "store " + location_.label +
                                            ": a write-ahead log lies beside it, and there is no place for a temporary copy; "
                                            "set TMPDIR to a directory that can be written");
  }
  copy_directory_ = pattern;
  const std::string copied = pattern + "/store.db";
  for (int attempt = 0; attempt < 3; ++attempt) {
    seen_ = snapshot();
    fs::copy_file(location_.path, copied, fs::copy_options::overwrite_existing, error);
    if (!error) fs::copy_file(location_.path + "-wal", copied + "-wal", fs::copy_options::overwrite_existing, error);
    if (!error && snapshot() == seen_) break;
  }
  if (error) {
    throw Error(ErrorCode::unavailable,
                "store " + location_.label + ": it cannot be copied for reading (" + error.message() + ")");
  }
  database_ = std::make_unique<Database>(copied, SQLITE_OPEN_READWRITE, location_.label);
}

void Connection::remove_copy() noexcept {
  if (copy_directory_.empty()) return;
  database_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(copy_directory_, ignored);
  copy_directory_.clear();
}

Connection::Snapshot Connection::snapshot() const {
  Snapshot now;
  struct stat status {};
  if (stat(location_.path.c_str(), &status) == 0) {
    now.size = status.st_size;
    now.time = nanoseconds(status.st_mtim);
  }
  if (stat((location_.path + "-wal").c_str(), &status) == 0) {
    now.log_size = status.st_size;
    now.log_time = nanoseconds(status.st_mtim);
  }
  return now;
}

void Connection::check_identity() const {
  if (file_identity(location_.path) == identity_) return;
  throw Error(ErrorCode::conflict, "store " + location_.label +
                                       ": the file was deleted or replaced while it was open; nothing more is written. "
                                       "Open the store again, or move the old file back");
}

Database& Connection::ready() {
  if (getpid() != process_) {
    throw Error(
        ErrorCode::unavailable,
        "store " + location_.label + ": it was opened before this process was forked; open the store again in the child");
  }
  check_identity();
  const bool changed = view_ != View::live && snapshot() != seen_;
  if (!database_ || database_->poisoned() || changed) {
    database_.reset();
    ++foreign_changes_;
    data_version_.reset();
    const std::lock_guard lock(open_mutex());
    mode_ == OpenMode::read_only ? open_read_only() : open_writable();
  }
  return *database_;
}

std::uint64_t Connection::foreign_changes() {
  const std::optional<std::int64_t> now = ready().query_integer("PRAGMA data_version");
  if (now != data_version_) {
    if (data_version_) ++foreign_changes_;
    data_version_ = now;
  }
  return foreign_changes_;
}

}  // namespace warpbo::storage
