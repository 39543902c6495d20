/// Looking at processes through /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo::cli {

/// The processes whose parent is this process, orphans adopted as a subreaper included.
[[nodiscard]] std::vector<pid_t> children();
/// When a process started, in clock ticks since boot: with the pid it identifies a process for good. Nothing if there is none.
[[nodiscard]] std::optional<std::uint64_t> start_time(pid_t pid);

/// Ends and reaps every child but `keep`, and whatever those leave behind, for at most `seconds`. The caller must be a
/// subreaper. Returns how many were found.
int end_children(const std::vector<pid_t>& keep, double seconds);

/// Who runs a trial: stored with it as a JSON text, so that a later run on this machine can tell whether it still lives.
[[nodiscard]] std::string owner_json();
/// What a stored owner turned out to be.
enum class OwnerState { alive, dead, unknown };
/// `unknown` for another machine, another container, or text that is not ours.
[[nodiscard]] OwnerState owner_state(std::string_view json);

}  // namespace warpbo::cli
