#include "storage/location.hpp"

#include "base/text.hpp"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace warpbo::storage {

namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string absolute(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path full = std::filesystem::absolute(path, ignored);
  return ignored ? path : full.string();
}

/// "postgresql" of "postgresql://host": letters, digits and '+' before the first colon, at least two of them.
std::string_view scheme_of(std::string_view url) {
  const std::size_t colon = url.find(':');
  if (colon == std::string_view::npos || colon < 2) return {};
  for (const char c : url.substr(0, colon)) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '+') return {};
  }
  return url.substr(0, colon);
}

bool may(const std::string& path, int what) { return faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0; }

[[noreturn]] void refuse_open(const Location& location, int error) {
  const std::string directory = directory_of(location.path);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      throw Error(ErrorCode::unavailable, "store " + location.label + ": there is no directory " + text::quote(directory, 200) +
                                              "; create it: mkdir -p " + directory);
    case EACCES:
    case EPERM:
    case EROFS:
      throw Error(ErrorCode::read_only, "store " + location.label + ": it cannot be created, because " +
                                            text::quote(directory, 200) + " cannot be written (" + std::strerror(error) +
                                            "); choose another path or change the permissions");
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      throw Error(ErrorCode::resource_exhausted, "store " + location.label + ": it cannot be created: " + std::strerror(error));
    default:
      throw Error(ErrorCode::unavailable, "store " + location.label + ": it cannot be opened: " + std::strerror(error));
  }
}

void create_file(const Location& location) {
  const int file = open(location.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    close(file);
    sync_directory_of(location.path);
  } else if (errno != EEXIST) {
    refuse_open(location, errno);
  }
}

void check_kind(const Location& location, const struct stat& status, OpenMode mode) {
  const char* kind = S_ISDIR(status.st_mode)                              ? "a directory"
                     : S_ISFIFO(status.st_mode)                           ? "a pipe"
                     : S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode) ? "a device"
                     : S_ISSOCK(status.st_mode)                           ? "a socket"
                                                                          : "not a regular file";
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::invalid_argument,
                "store " + location.label + ": this is " + kind + ", not a file; give the path of a database file");
  }
  if (mode == OpenMode::read_write && status.st_nlink > 1) {
    throw Error(ErrorCode::conflict,
                "store " + location.label + ": the file has " + std::to_string(status.st_nlink) +
                    " hard links, and writing through two names damages a database; copy it and use the copy");
  }
}

}  // namespace

Location parse_location(std::string_view url) {
  Location location;
  location.label = url;
  if (url == "memory:") {
    location.memory = true;
    return location;
  }
  const std::string_view scheme = scheme_of(url);
  std::string_view path = url;
  if (scheme == "sqlite") {
    path.remove_prefix(7);
    if (path.starts_with("///")) path.remove_prefix(3);
  } else if (!scheme.empty()) {
    throw Error(ErrorCode::invalid_argument, "store " + text::quote(url) + ": unknown kind " + text::quote(scheme) +
                                                 "; use sqlite:PATH, a plain path (./NAME if it has a colon) or memory:");
  } else {
    location.label = "sqlite:" + location.label;
  }
  constexpr std::string_view kAllow = "?allow-network-fs";
  if (path.ends_with(kAllow)) {
    path.remove_suffix(kAllow.size());
    location.allow_network = true;
  }
  if (path.empty() || path == ":memory:" || path.find('\0') != std::string_view::npos || path.ends_with('/')) {
    throw Error(ErrorCode::invalid_argument,
                "store " + text::quote(url) + ": no file name; use sqlite:PATH, or memory: for a store in memory");
  }
  location.path = absolute(std::string(path));
  return location;
}

std::optional<std::string_view> network_file_system(std::uint64_t magic) noexcept {
  struct Known {
    std::uint64_t magic;
    std::string_view name;
  };
  static constexpr std::array<Known, 13> kNetwork = {{{0x6969, "NFS"},
                                                      {0x517B, "SMB"},
                                                      {0xFF534D42, "CIFS"},
                                                      {0xFE534D42, "SMB2"},
                                                      {0x65735546, "FUSE"},
                                                      {0x01021997, "9P"},
                                                      {0x00C36400, "Ceph"},
                                                      {0x0BD00BD0, "Lustre"},
                                                      {0x47504653, "GPFS"},
                                                      {0x5346414F, "AFS"},
                                                      {0x6B414653, "AFS"},
                                                      {0x73757245, "Coda"},
                                                      {0x19830326, "BeeGFS"}}};
  for (const Known& known : kNetwork) {
    if (known.magic == (magic & 0xFFFFFFFFULL)) return known.name;
  }
  return std::nullopt;
}

void check_file_system(const Location& location) {
  if (location.allow_network) return;
  struct statfs status {};
  if (statfs(location.path.c_str(), &status) != 0 && statfs(directory_of(location.path).c_str(), &status) != 0) return;
  const auto name = network_file_system(static_cast<std::uint64_t>(status.f_type));
  if (!name) return;
  throw Error(ErrorCode::unavailable,
              "store " + location.label + ": it lies on a network file system (" + std::string(*name) +
                  "), where SQLite's locks may fail and lose data; use a local disk, or append ?allow-network-fs "
                  "to the store if only one machine uses it");
}

std::optional<FileIdentity> file_identity(const std::string& path) noexcept {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino};
}

void prepare_file(const Location& location, OpenMode mode) {
  struct stat status {};
  if (stat(location.path.c_str(), &status) != 0) {
    if (errno != ENOENT || (!may(directory_of(location.path), F_OK))) refuse_open(location, errno);
    if (mode == OpenMode::read_only) {
      throw Error(ErrorCode::unavailable,
                  "store " + location.label + ": there is no such file; check the path, or create the study first");
    }
    create_file(location);
    if (stat(location.path.c_str(), &status) != 0) refuse_open(location, errno);
  }
  check_kind(location, status, mode);
  if (!may(location.path, R_OK)) {
    throw Error(ErrorCode::unavailable,
                "store " + location.label + ": permission to read it is missing; change the permissions of the file");
  }
  if (mode == OpenMode::read_only) return;
  if (!may(location.path, W_OK)) {
    throw Error(ErrorCode::read_only, "store " + location.label + ": the file cannot be written (" + std::strerror(errno) +
                                          "); change its permissions, or open it read-only");
  }
  if (!may(directory_of(location.path), W_OK)) {
    throw Error(ErrorCode::read_only,
                "store " + location.label + ": its directory " + text::quote(directory_of(location.path), 200) +
                    " cannot be written (" + std::strerror(errno) +
                    "), which the write-ahead log needs; change its permissions, or open the store read-only");
  }
}

void sync_directory_of(const std::string& path) noexcept {
  const int directory = open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  fsync(directory);
  close(directory);
}

}  // namespace warpbo::storage
