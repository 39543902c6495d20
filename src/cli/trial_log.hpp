/// The file that keeps one stream of one trial: all of a short stream, beginning and end of a long one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace warpbo::cli {

/// Writing never fails for the caller: when the disk is full the rest is dropped and `problem` says so.
class TrialLog {
 public:
  /// Keeps `limit` bytes from the beginning and the last 64 KiB.
  TrialLog(std::string path, std::int64_t limit);
  ~TrialLog();
  TrialLog(const TrialLog&) = delete;
  TrialLog& operator=(const TrialLog&) = delete;

  void write(std::string_view bytes);
  /// Adds the end of a long stream and closes the file.
  void close();
  [[nodiscard]] std::int64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  void put(std::string_view bytes);
  std::string path_;
  std::int64_t limit_;
  int fd_ = -1;
  std::int64_t bytes_ = 0;
  std::string tail_;
  std::string problem_;
};

/// Makes a directory and its parents, for this user only. Returns an empty string or what went wrong.
[[nodiscard]] std::string make_directories(const std::string& path);
/// Writes a whole small file (0600). Returns an empty string or what went wrong.
[[nodiscard]] std::string write_file(const std::string& path, std::string_view text);

}  // namespace warpbo::cli
