#include "storage/probe.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace warpbo::storage {

namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);

/// The first 100 bytes of the file (https://www.sqlite.org/fileformat2.html, section 1.3) and its size.
struct Beginning {
  std::array<unsigned char, 100> bytes{};
  std::int64_t size = 0;

  [[nodiscard]] std::int64_t big_endian(std::size_t at, std::size_t length) const {
    std::int64_t value = 0;
    for (std::size_t i = 0; i < length; ++i) value = value * 256 + bytes[at + i];
    return value;
  }
  /// Bytes that the database says it has: at least one page, and as many as are noted if the note is up to date (SQLite 3.7 or
  /// newer).
  [[nodiscard]] std::int64_t claimed_size() const {
    const bool valid = big_endian(24, 4) == big_endian(92, 4);
    const std::int64_t page = big_endian(16, 2) == 1 ? 65536 : std::max<std::int64_t>(big_endian(16, 2), 512);
    return page * std::max<std::int64_t>(valid ? big_endian(28, 4) : 1, 1);
  }
};

/// Reads through SQLite's own file layer: a plain close() would drop the locks that other connections of this process hold on
/// the file.
Beginning read_beginning(const Location& location) {
  sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
  std::vector<std::max_align_t> memory(static_cast<std::size_t>(system->szOsFile) / sizeof(std::max_align_t) + 1);
  auto* file = reinterpret_cast<sqlite3_file*>(memory.data());
  // The layer wants names that end in several zero bytes (an empty list of URI parameters).
  const std::string name = location.path + std::string(4, '\0');
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
  if (const int code = system->xOpen(system, name.c_str(), file, flags, &flags); code != SQLITE_OK) {
    if (file->pMethods != nullptr) file->pMethods->xClose(file);
    throw Error(ErrorCode::unavailable,
                "store " + location.label + ": it cannot be read; check its permissions and the limit of open files");
  }
  Beginning beginning;
  sqlite3_int64 size = 0;
  const int sized = file->pMethods->xFileSize(file, &size);
  const int read = sized == SQLITE_OK && size > 0
                       ? file->pMethods->xRead(file, beginning.bytes.data(), static_cast<int>(beginning.bytes.size()), 0)
                       : SQLITE_OK;
  file->pMethods->xClose(file);
  if (sized != SQLITE_OK || (read != SQLITE_OK && read != SQLITE_IOERR_SHORT_READ)) {
    throw Error(ErrorCode::unavailable, "store " + location.label + ": it cannot be read (input/output error); check the disk");
  }
  beginning.size = size;
  return beginning;
}

/// 0 where there is no file.
std::int64_t size_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? static_cast<std::int64_t>(status.st_size) : 0;
}

bool present(const std::string& path) { return size_of(path) > 0; }

/// Whether pages are missing at the end. While a log or a journal lies beside the file, some may be there instead.
bool cut_short(const Location& location) {
  if (present(location.path + "-wal") || present(location.path + "-journal")) return false;
  const Beginning beginning = read_beginning(location);
  return beginning.size < beginning.claimed_size();
}

enum class Verdict { empty, database, foreign, damaged, cut_short };

Verdict judge(const Location& location) {
  const Beginning beginning = read_beginning(location);
  // SQLite's file layer calls a file of one byte empty, and would write over it. One that is larger by now was empty just
  // before.
  if (beginning.size == 0) return size_of(location.path) == 1 ? Verdict::foreign : Verdict::empty;
  std::size_t zeros = 0;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < kMagic.size(); ++i) {
    zeros += beginning.bytes[i] == 0 ? 1 : 0;
    equal += beginning.bytes[i] == static_cast<unsigned char>(kMagic[i]) ? 1 : 0;
  }
  if (equal < kMagic.size()) return zeros == kMagic.size() || equal >= kMagic.size() / 2 ? Verdict::damaged : Verdict::foreign;
  return cut_short(location) ? Verdict::cut_short : Verdict::database;
}

constexpr std::chrono::milliseconds kBetweenLooks(5), kSettled(200), kPatience(2000);

/// Whether the file was written to lately. On a busy machine a process may rest for long in the middle of that.
bool being_written(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return false;
  const auto written = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return std::chrono::system_clock::now().time_since_epoch() - written < kSettled;
}

}  // namespace

bool holds_database(const Location& location) {
  Verdict verdict = judge(location);
  // Another process may be creating the file or writing just now: a bad verdict is looked at again, until the file has settled.
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (verdict != Verdict::empty && verdict != Verdict::database && being_written(location.path) &&
         std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kBetweenLooks);
    verdict = judge(location);
  }
  switch (verdict) {
    case Verdict::empty:
      return false;
    case Verdict::database:
      return true;
    case Verdict::foreign:
      throw Error(ErrorCode::invalid_argument,
                  "store " + location.label + ": this is not an SQLite database; it was not changed; choose another path");
    case Verdict::damaged:
      throw Error(
          ErrorCode::data_corrupt,
          "store " + location.label + ": the first bytes of the file are damaged; it was not changed; restore a backup");
    case Verdict::cut_short:
      throw Error(ErrorCode::data_corrupt,
                  "store " + location.label +
                      ": the end of the file is missing; it was not changed. Restore a backup, or save what is left "
                      "into a new file: sqlite3 OLD .recover | sqlite3 NEW");
  }
  return false;
}

}  // namespace warpbo::storage
