#include "cli/trial_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

constexpr std::size_t kTail = 64 << 10;

int create(const std::string& path) { return open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600); }

/// 0, or the errno of the failure.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

TrialLog::TrialLog(std::string path, std::int64_t limit) : path_(std::move(path)), limit_(limit), fd_(create(path_)) {
  if (fd_ < 0) problem_ = "the log " + quote(path_) + " cannot be written: " + std::strerror(errno);
}

TrialLog::~TrialLog() {
  if (fd_ >= 0) ::close(fd_);
}

void TrialLog::put(std::string_view bytes) {
  if (fd_ < 0) return;
  if (const int code = write_all(fd_, bytes)) {
    problem_ = "the log " + quote(path_) + " was cut: " + std::strerror(code);
    ::close(fd_);
    fd_ = -1;
  }
}

void TrialLog::write(std::string_view bytes) {
  const std::int64_t room = std::max<std::int64_t>(0, limit_ - bytes_);
  const auto head = std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(room));
  bytes_ += static_cast<std::int64_t>(bytes.size());
  if (head > 0) put(bytes.substr(0, head));
  bytes.remove_prefix(head);
  if (bytes.empty()) return;
  if (bytes.size() >= kTail) tail_.clear();
  tail_ += bytes.substr(bytes.size() - std::min(bytes.size(), kTail));
  if (tail_.size() > 2 * kTail) tail_.erase(0, tail_.size() - kTail);
}

void TrialLog::close() {
  if (!tail_.empty()) {
    if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);
    const std::int64_t left_out = bytes_ - limit_ - static_cast<std::int64_t>(tail_.size());
    if (left_out > 0) {
      put("\n[warpbo: " + std::to_string(left_out) + " bytes left out]\n");
      if (problem_.empty())
        problem_ = "the log " + quote(path_) + " keeps the beginning and the end of " + std::to_string(bytes_) + " bytes";
    }
    put(tail_);
    tail_.clear();
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return "the directory " + quote(part) + " cannot be made: " + std::strerror(errno);
    if (slash == std::string::npos) break;
  }
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return quote(path) + " is not a directory";
  return {};
}

std::string write_file(const std::string& path, std::string_view text) {
  const int fd = create(path);
  int code = fd < 0 ? errno : write_all(fd, text);
  if (fd >= 0 && ::close(fd) != 0 && code == 0) code = errno;
  return code == 0 ? std::string() : quote(path) + " cannot be written: " + std::strerror(code);
}

}  // namespace warpbo::cli
