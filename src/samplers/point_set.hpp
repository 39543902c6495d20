/// A set of encoded points, compared exactly.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <unordered_set>

namespace warpbo::samplers {

class PointSet {
 public:
  /// False if it was there already.
  bool insert(std::span<const double> row) { return keys_.insert(key(row)).second; }
  [[nodiscard]] bool contains(std::span<const double> row) const { return keys_.contains(key(row)); }
  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }

 private:
  /// The bytes of the row; adding 0 turns -0 into 0.
  static std::string key(std::span<const double> row) {
    std::string bytes(row.size() * sizeof(double), '\0');
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double value = row[i] + 0.0;
      bytes.replace(i * sizeof(double), sizeof(double), reinterpret_cast<const char*>(&value), sizeof(double));
    }
    return bytes;
  }

  std::unordered_set<std::string> keys_;
};

}  // namespace warpbo::samplers
