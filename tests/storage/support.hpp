/// What the storage tests share: a temporary directory, a space with every kind of parameter, children.
#pragma once

#include <warpbo/storage.hpp>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace warpbo::storage_test {

namespace fs = std::filesystem;

class TemporaryDirectory {
 public:
  /// `in_memory`: on a memory file system if there is one, for tests with thousands of syncs that prove nothing there.
  explicit TemporaryDirectory(bool in_memory = false) {
    const fs::path base = in_memory && access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path();
    std::string pattern = (base / "warpbo-storage-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::permissions(path_, fs::perms::owner_all, ignored);
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

/// One parameter of every kind; `momentum` exists only for sgd.
inline Space full_space() {
  Space space;
  space.real("lr", 1e-5, 1e-1).log();
  space.real("drop", 0.0, 0.9).step(0.3);
  space.integer("width", 16, 256).step(16);
  space.integer("depth", 1, 100).log();
  space.categorical("opt", {"sgd", "adam"});
  space.categorical("mixed", std::vector<Value>{Value(std::int64_t{1}), Value(1.5), Value(true), Value(std::string("1"))});
  space.ordinal("size", {"s", "m", "l"});
  space.boolean("bias");
  space.constant("seed", Value(std::int64_t{7}));
  space.constant("tag", Value(std::string("a\n\"\xC3\xA9\"")));
  space.real("momentum", 0.0, 0.99).when("opt == 'sgd'");
  return space;
}

inline Parameters full_point() {
  return {{"lr", 0.001},
          {"drop", 0.3},
          {"width", std::int64_t{32}},
          {"depth", std::int64_t{7}},
          {"opt", std::string("sgd")},
          {"mixed", true},
          {"size", std::string("m")},
          {"bias", false},
          {"seed", std::int64_t{7}},
          {"tag", std::string("a\n\"\xC3\xA9\"")},
          {"momentum", 0.1 + 0.2}};
}

inline Space one_real() {
  Space space;
  space.real("x", 0.0, 1.0);
  return space;
}

inline NewTrial running(double x) { return NewTrial{TrialState::running, {{"x", x}}, {}, {}, {}}; }
inline NewTrial waiting(double x) { return NewTrial{TrialState::waiting, {{"x", x}}, {}, {}, {}}; }

inline Storage::Finish completed(std::int64_t id, double value) { return {id, TrialState::complete, value, {}, {}}; }

inline std::vector<Trial> read_all(Storage& storage, std::int64_t study, const Space& space) {
  return storage.read_trials(study, space, 0, {});
}

/// The code of the error that the body throws, or nothing. The text goes to `message`.
inline std::optional<ErrorCode> error_of(const std::function<void()>& body, std::string* message = nullptr) {
  try {
    body();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
  return std::nullopt;
}

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  file.close();
  // Long ago: a bad file that was written just now may be one that is being created, and is looked at again for a while.
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
}

/// Runs the body in a forked child. Gives what it returned (empty means well), or how it ended otherwise.
inline std::string in_child(const std::function<std::string()>& body) {
  int channel[2];
  if (pipe(channel) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    close(channel[0]);
    std::string message;
    try {
      message = body();
    } catch (const std::exception& error) {
      message = std::string("threw: ") + error.what();
    }
    if (write(channel[1], message.data(), message.size()) < 0) _exit(3);
    _exit(0);
  }
  close(channel[1]);
  std::string message;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(channel[0], buffer, sizeof buffer)) > 0;)
    message.append(buffer, static_cast<std::size_t>(got));
  close(channel[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return "died of signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return "exit status " + std::to_string(WEXITSTATUS(status)) + " " + message;
  return message;
}

/// Runs SQL with a connection of its own and gives the first column of every row, joined with '|'.
inline std::string sql(const std::string& path, const std::string& statement) {
  sqlite3* database = nullptr;
  if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK) {
    sqlite3_close(database);
    return "cannot open";
  }
  sqlite3_busy_timeout(database, 10000);
  std::string out;
  char* message = nullptr;
  const auto row = [](void* text, int, char** values, char**) {
    auto& joined = *static_cast<std::string*>(text);
    if (!joined.empty()) joined += '|';
    joined += values[0] == nullptr ? "NULL" : values[0];
    return 0;
  };
  if (sqlite3_exec(database, statement.c_str(), row, &out, &message) != SQLITE_OK)
    out = std::string("error: ") + (message == nullptr ? "?" : message);
  sqlite3_free(message);
  sqlite3_close(database);
  return out;
}

}  // namespace warpbo::storage_test
