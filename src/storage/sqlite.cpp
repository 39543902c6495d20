#include "storage/sqlite.hpp"

#include <warpbo/error.hpp>

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <thread>

namespace warpbo::storage {

namespace {

constexpr double kLongestWait = 60;  // seconds for which another connection's lock is waited for

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool no_space(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

/// What a result code means to the user: the error's code and a sentence with the fix.
std::pair<ErrorCode, std::string> explain(int code, int system_error) {
  const std::string system = system_error != 0 ? std::string(" (") + std::strerror(system_error) + ")" : std::string();
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return {ErrorCode::resource_exhausted, "the disk is full; nothing was changed; free some space and try again"};
    case SQLITE_NOMEM:
      return {ErrorCode::resource_exhausted, "out of memory"};
    case SQLITE_IOERR:
      if (code == SQLITE_IOERR_NOMEM) return {ErrorCode::resource_exhausted, "out of memory"};
      if (no_space(system_error)) {
        return {ErrorCode::resource_exhausted,
                "no space to write" + system + "; nothing was changed; free some space or raise the limit and try again"};
      }
      return {ErrorCode::unavailable, "input/output error" + system + "; check the disk, then try again"};
    case SQLITE_READONLY:
      return {ErrorCode::read_only,
              "it cannot be written; check the permissions of the file and its directory, or open it read-only"};
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {ErrorCode::read_only, "permission denied" + system};
    case SQLITE_CANTOPEN:
      if (system_error == EMFILE || system_error == ENFILE)
        return {ErrorCode::resource_exhausted, "too many open files; close some or raise `ulimit -n`"};
      return {ErrorCode::unavailable,
              "it cannot be opened" + system + "; check the path and the permissions of the file and its directory"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::data_corrupt,
              "the file is damaged; it was not changed. Restore a backup, or save what is left into a new file: sqlite3 OLD "
              ".recover | sqlite3 NEW"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::unavailable, "another process kept it locked for a minute; end that process or try again"};
    case SQLITE_TOOBIG:
      return {ErrorCode::invalid_argument, "a text is too large for the store; keep attributes below 16 MiB"};
    case SQLITE_ERROR:
      // Our statements are fixed and right for Optuna's tables, so that a failing one means that the tables are not those.
      return {ErrorCode::data_corrupt, "its tables are not as they should be; restore a backup"};
    default:
      return {ErrorCode::internal, std::string("unexpected SQLite result: ") + sqlite3_errstr(code) + system};
  }
}

}  // namespace

Statement& Statement::bind(int index, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(handle_, index, value); code != SQLITE_OK) database_.fail(code);
  return *this;
}

Statement& Statement::bind(int index, double value) {
  if (const int code = sqlite3_bind_double(handle_, index, value); code != SQLITE_OK) database_.fail(code);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  const int code =
      sqlite3_bind_text64(handle_, index, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) database_.fail(code);
  return *this;
}

Statement& Statement::bind_null(int index) {
  if (const int code = sqlite3_bind_null(handle_, index); code != SQLITE_OK) database_.fail(code);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    const int extended = sqlite3_extended_errcode(database_.handle());
    database_.fail(extended == SQLITE_OK ? code : extended);
  }
  return false;
}

void Statement::run() {
  step();
  reset();
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

Database::Database(const std::string& path, int flags, std::string label)
    : label_(std::move(label)),
      random_(static_cast<std::uint64_t>(getpid()) * 0x9E3779B97F4A7C15ULL +
              static_cast<std::uint64_t>(monotonic_seconds() * 1e9)) {
  sqlite3* handle = nullptr;
  // One thread at a time uses a connection (the storage holds a mutex), so SQLite's own mutexes are not needed.
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(code);
  sqlite3_busy_handler(handle, &Database::on_busy, this);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

Database::~Database() = default;

int Database::on_busy(void* self, int attempts) noexcept {
  auto& database = *static_cast<Database*>(self);
  const double now = monotonic_seconds();
  if (attempts == 0) database.waiting_since_ = now;
  const double waited = now - database.waiting_since_;
  if (waited > kLongestWait) return 0;
  // xorshift64*: random pauses keep waiters from moving in step. They grow at first, so that hundreds of waiters leave the
  // processor to the one that works; who has waited for seconds looks more often again, so that nobody starves.
  std::uint64_t& x = database.random_;
  x |= 1;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  const double uniform = static_cast<double>((x * 0x2545F4914F6CDD1DULL) >> 11) * 0x1p-53;
  const double patience = waited > 20 ? 1e-3 : waited > 5 ? 4e-3 : 16e-3;
  const double longest = std::min(patience, 0.2e-3 * std::pow(1.4, std::min(attempts, 20)));
  std::this_thread::sleep_for(std::chrono::duration<double>(uniform * longest));
  return 1;
}

int Database::system_error() const {
  if (!handle_) return 0;
  // The reason of a failed write is kept with the file that was written: the database itself, or its journal or log.
  for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    int error = 0;
    if (sqlite3_file_control(handle_.get(), "main", which, static_cast<void*>(&file)) != SQLITE_OK) continue;
    if (file == nullptr || file->pMethods == nullptr) continue;
    if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) == SQLITE_OK && no_space(error)) return error;
  }
  return sqlite3_system_errno(handle_.get());
}

void Database::fail(int code) {
  const int primary = code & 0xFF;
  if (primary == SQLITE_IOERR || primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) poisoned_ = true;
  const bool told = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_PERM;
  const auto [reason, sentence] = explain(code, told ? system_error() : 0);
  const bool detailed = handle_ && (primary == SQLITE_ERROR || reason == ErrorCode::internal);
  const std::string detail = detailed ? std::string(" (") + sqlite3_errmsg(handle_.get()) + ")" : std::string();
  throw Error(reason, "store " + label_ + ": " + sentence + detail);
}

void Database::abandon() noexcept {
  for (auto& [sql, statement] : statements_) static_cast<void>(statement.release());
  static_cast<void>(handle_.release());
}

Statement Database::prepare(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) {
    sqlite3_stmt* handle = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    if (code != SQLITE_OK) fail(code);
    statement.reset(handle);
  }
  return {*this, statement.get()};
}

void Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::optional<std::string> Database::query_text(const char* sql) {
  sqlite3_stmt* handle = nullptr;
  if (const int code = sqlite3_prepare_v2(handle_.get(), sql, -1, &handle, nullptr); code != SQLITE_OK) fail(code);
  const std::unique_ptr<sqlite3_stmt, Finalize> owner(handle);
  Statement statement(*this, handle);
  if (!statement.step() || statement.is_null(0)) return std::nullopt;
  return std::string(statement.text(0));
}

std::optional<std::int64_t> Database::query_integer(const char* sql) {
  Statement statement = prepare(sql);
  if (!statement.step() || statement.is_null(0)) return std::nullopt;
  return statement.integer(0);
}

Transaction::Transaction(Database& database, Kind kind) : database_(database) {
  database_.prepare(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN").run();
}

Transaction::~Transaction() {
  // A full disk or an I/O error may have ended the transaction already; a failing ROLLBACK leaves nothing to be done.
  if (open_ && database_.in_transaction()) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.prepare("COMMIT").run();
  open_ = false;
}

FileSizeSignalGuard::FileSizeSignalGuard() noexcept {
  sigset_t wanted;
  sigset_t before;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGXFSZ);
  if (pthread_sigmask(SIG_BLOCK, &wanted, &before) == 0) blocked_ = sigismember(&before, SIGXFSZ) == 0;
}

FileSizeSignalGuard::~FileSizeSignalGuard() {
  if (!blocked_) return;
  sigset_t pending;
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGXFSZ);
  // The kernel sends this signal to the writing thread alone, so that one which is pending now was caused by our write.
  if (sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1) {
    const timespec at_once{};
    while (sigtimedwait(&wanted, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_UNBLOCK, &wanted, nullptr);
}

}  // namespace warpbo::storage
