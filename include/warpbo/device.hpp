/// Where the numerical work runs.
#pragma once

#include <warpbo/export.hpp>

#include <string>
#include <string_view>

namespace warpbo {

/// A choice of device. `automatic` takes a CUDA device when one works and the CPU otherwise, and says once which and why.
class WARPBO_EXPORT Device {
 public:
  enum class Kind { automatic, cpu, cuda };

  static Device automatic() noexcept { return Device(Kind::automatic, 0); }
  static Device cpu() noexcept { return Device(Kind::cpu, 0); }
  /// The CUDA device with this index, in the order that CUDA_VISIBLE_DEVICES gives.
  static Device cuda(int index = 0) noexcept { return Device(Kind::cuda, index); }

  /// Reads "auto", "cpu", "cuda" or "cuda:1". Throws `invalid_argument` for anything else.
  static Device parse(std::string_view text);

  Device() noexcept = default;
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] int index() const noexcept { return index_; }
  [[nodiscard]] std::string name() const;
  friend bool operator==(const Device&, const Device&) noexcept = default;

 private:
  Device(Kind kind, int index) noexcept : kind_(kind), index_(index) {}
  Kind kind_ = Kind::automatic;
  int index_ = 0;
};

}  // namespace warpbo
