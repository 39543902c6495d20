#include "cli/processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

std::optional<std::string> read_small(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(got));
  close(fd);
  if (got < 0) return std::nullopt;
  return text;
}

/// The fields of /proc/PID/stat behind the command's name, which may itself hold blanks and parentheses. Field 0 is the state,
/// 1 the parent, 19 the start time (proc(5) numbers them from 3).
std::vector<std::string_view> stat_fields(std::string_view text) {
  std::vector<std::string_view> fields;
  const std::size_t close = text.rfind(')');
  if (close == std::string_view::npos) return fields;
  text.remove_prefix(close + 1);
  while (true) {
    text = trim(text);
    if (text.empty()) return fields;
    const std::size_t end = std::min(text.find(' '), text.size());
    fields.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

/// Slow but always there: every process is asked for its parent.
std::vector<pid_t> children_by_scan() {
  std::vector<pid_t> out;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return out;
  const std::string self = std::to_string(getpid());
  while (const dirent* entry = readdir(proc)) {
    const auto pid = parse_integer(entry->d_name);
    if (!pid) continue;
    const auto text = read_small("/proc/" + std::string(entry->d_name) + "/stat");
    if (!text) continue;
    const auto fields = stat_fields(*text);
    if (fields.size() > 1 && fields[1] == self) out.push_back(static_cast<pid_t>(*pid));
  }
  closedir(proc);
  return out;
}

std::string boot_id() { return std::string(trim(read_small("/proc/sys/kernel/random/boot_id").value_or(""))); }

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "";
  return name;
}

/// Pids mean something only inside their namespace.
std::string pid_namespace() {
  char link[128] = {};
  const ssize_t length = readlink("/proc/self/ns/pid", link, sizeof link - 1);
  return length > 0 ? std::string(link, static_cast<std::size_t>(length)) : "";
}

}  // namespace

std::vector<pid_t> children() {
  const std::string self = std::to_string(getpid());
  const auto list = read_small("/proc/self/task/" + self + "/children");
  if (!list) return children_by_scan();
  std::vector<pid_t> out;
  std::string_view rest = *list;
  for (rest = trim(rest); !rest.empty(); rest = trim(rest)) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (const auto pid = parse_integer(rest.substr(0, end))) out.push_back(static_cast<pid_t>(*pid));
    rest.remove_prefix(end);
  }
  return out;
}

std::optional<std::uint64_t> start_time(pid_t pid) {
  const auto text = read_small("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return std::nullopt;
  const auto fields = stat_fields(*text);
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X") return std::nullopt;
  const auto ticks = parse_integer(fields[19]);
  return ticks ? std::optional(static_cast<std::uint64_t>(*ticks)) : std::nullopt;
}

int end_children(const std::vector<pid_t>& keep, double seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::vector<pid_t> seen;
  while (true) {
    bool any = false;
    for (const pid_t pid : children()) {
      if (std::find(keep.begin(), keep.end(), pid) != keep.end()) continue;
      any = true;
      if (std::find(seen.begin(), seen.end(), pid) == seen.end()) seen.push_back(pid);
      kill(pid, SIGKILL);  // unreaped, so the pid still belongs to our child
      waitpid(pid, nullptr, WNOHANG);
    }
    if (!any || std::chrono::steady_clock::now() > deadline) return static_cast<int>(seen.size());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::string owner_json() {
  nlohmann::ordered_json owner;
  owner["host"] = host_name();
  owner["boot"] = boot_id();
  owner["pids"] = pid_namespace();
  owner["pid"] = getpid();
  owner["start"] = start_time(getpid()).value_or(0);
  return owner.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

OwnerState owner_state(std::string_view json) {
  const nlohmann::json owner = nlohmann::json::parse(json, nullptr, false);
  if (!owner.is_object()) return OwnerState::unknown;
  const auto text = [&](const char* key) {
    const auto at = owner.find(key);
    return at != owner.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  if (text("host").empty() || text("host") != host_name()) return OwnerState::unknown;
  const auto pid = owner.find("pid"), start = owner.find("start");
  if (pid == owner.end() || !pid->is_number_integer() || start == owner.end() || !start->is_number_integer())
    return OwnerState::unknown;
  if (text("boot") != boot_id()) return OwnerState::dead;  // the machine was restarted since
  if (text("pids") != pid_namespace()) return OwnerState::unknown;
  const auto now = start_time(static_cast<pid_t>(pid->get<std::int64_t>()));
  return now && *now == start->get<std::uint64_t>() ? OwnerState::alive : OwnerState::dead;
}

}  // namespace warpbo::cli
