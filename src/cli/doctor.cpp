// warpbo doctor: what works on this machine.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <warpbo/gaussian_process.hpp>
#include <warpbo/version.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "cli/runner.hpp"
#include "cli/sweep.hpp"
#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Fits a small process on the device: the only honest proof that it works.
std::string try_device(Device device) {
  constexpr int kPoints = 200, kDimensions = 5;
  std::vector<double> points, targets;
  std::uint64_t state = 88172645463325252ULL;  // xorshift64: any spread-out points will do
  for (int i = 0; i < kPoints; ++i) {
    double sum = 0;
    for (int k = 0; k < kDimensions; ++k) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      points.push_back(static_cast<double>(state >> 11) * 0x1p-53);
      sum += std::sin(3 * points.back() + k);
    }
    targets.push_back(sum);
  }
  try {
    GaussianProcessOptions options;
    options.dimensions = kDimensions;
    options.device = device;
    const auto start = std::chrono::steady_clock::now();
    const GaussianProcess process = GaussianProcess::fit(points, targets, options);
    const double seconds = seconds_since(start);
    const Prediction prediction = process.predict(std::span(points).first(kDimensions));
    const double error = std::abs(prediction.mean.at(0) - targets[0]);
    if (!(error < 0.5)) return "FAILS: a fitted model misses its own data by " + brief_number(error);
    return "works: a model of 200 points in 5 dimensions is fitted in " + brief_number(seconds * 1000, 3) + " ms";
  } catch (const Error& error) {
    return std::string("not usable: ") + escape(error.what(), 300);
  }
}

/// Libraries for linear algebra that this process has mapped; warpbo may also carry its own inside.
std::string linear_algebra() {
  std::ifstream maps("/proc/self/maps");
  std::set<std::string> found;
  for (std::string line; std::getline(maps, line);) {
    const std::size_t slash = line.rfind('/');
    if (slash == std::string::npos) continue;
    const std::string file = line.substr(slash + 1);
    if (file.starts_with("libopenblas") || file.starts_with("libblas") || file.starts_with("liblapack") ||
        file.starts_with("libmkl"))
      found.insert(line.substr(line.find('/')));
  }
  std::string out;
  for (const std::string& file : found) out += (out.empty() ? "" : ", ") + escape(file);
  return out.empty() ? "inside libwarpbo (no separate BLAS is loaded)" : out;
}

std::string file_system(const std::string& folder) {
  struct statfs info {};
  if (statfs(folder.c_str(), &info) != 0) return std::string("unknown: ") + std::strerror(errno);
  // Magic numbers of statfs(2).
  static constexpr std::pair<std::uint32_t, const char*> kNames[] = {
      {0xEF53, "ext"},
      {0x58465342, "xfs"},
      {0x9123683E, "btrfs"},
      {0x01021994, "tmpfs (lost at reboot)"},
      {0x794C7630, "overlay"},
      {0x2FC12FC1, "zfs"},
      {0x6969, "NFS (a network: do not keep a store here)"},
      {0xFF534D42, "CIFS (a network: do not keep a store here)"},
      {0x65735546, "FUSE"},
      {0xFE534D42, "SMB2 (a network: do not keep a store here)"}};
  std::string name = "type " + std::to_string(static_cast<std::uint32_t>(info.f_type));
  for (const auto& [magic, text] : kNames)
    if (magic == static_cast<std::uint32_t>(info.f_type)) name = text;
  const double free = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_bsize) / (1 << 30);
  return name + ", " + brief_number(free, 3) + " GiB free";
}

/// Whether locks hold and how long a durable write takes, in the directory of the store.
std::string durable_writes(const std::string& folder) {
  std::string name = folder + "/.warpbo-doctor-XXXXXX";
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return std::string("cannot write: ") + std::strerror(errno);
  const int second = open(name.c_str(), O_RDWR | O_CLOEXEC);
  std::string out;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    out = std::string("locks do not work: ") + std::strerror(errno);
  } else if (flock(second, LOCK_EX | LOCK_NB) == 0) {
    out = "locks are not exclusive here";
  } else {
    std::vector<double> times;
    for (int i = 0; i < 20; ++i) {
      const auto start = std::chrono::steady_clock::now();
      if (pwrite(fd, "warpbo", 6, i * 4096) != 6 || fdatasync(fd) != 0) break;
      times.push_back(seconds_since(start));
    }
    std::sort(times.begin(), times.end());
    out = times.empty() ? std::string("durable writes fail: ") + std::strerror(errno)
                        : "locks work, a durable write takes " + brief_number(times[times.size() / 2] * 1000, 3) + " ms";
  }
  close(second);
  close(fd);
  unlink(name.c_str());
  return out;
}

}  // namespace

int doctor_command(const Flags& flags) {
  int code = kDone;
  const auto say = [](const char* what, const std::string& text) {
    std::string name = what;
    name.resize(16, ' ');
    print(name + text + "\n");
  };
  say("warpbo", WARPBO_VERSION);
  say("processors", std::to_string(std::thread::hardware_concurrency()));
  say("linear algebra", linear_algebra());
  const std::string cpu = try_device(Device::cpu());
  if (!cpu.starts_with("works")) code = kUsage;
  say("device cpu", cpu);
  say("device cuda", try_device(Device::cuda()));
  int subreaper = 0;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  say("processes", subreaper == 1 ? "detached children are found and ended"
                                  : "this kernel has no subreaper: detached children are not found");

  std::string folder = ".";
  try {
    const Found found = find_study(flags);
    const Study study = Study::open(found.name, {}, open_store(found.store, OpenMode::read_only));
    say("store", escape(found.store) + ": study " + quote(study.name()) + ", " + std::to_string(study.count()) + " trials, " +
                     std::to_string(study.space().parameters().size()) + " parameters");
    if (found.store.starts_with("sqlite:")) {
      const auto parent = std::filesystem::path(found.store.substr(7)).parent_path();
      folder = parent.empty() ? "." : parent.string();
    }
  } catch (const Error& error) {
    say("store", escape(error.what(), 400));
    const bool damaged = error.code() == ErrorCode::data_corrupt || error.code() == ErrorCode::version_too_new;
    if (damaged) code = kStoreError;
  }
  say("file system", escape(folder) + ": " + file_system(folder));
  say("", durable_writes(folder));
  return code;
}

}  // namespace warpbo::cli
