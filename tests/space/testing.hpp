/// Helpers of the tests of search spaces.
#pragma once

#include <warpbo/error.hpp>
#include <warpbo/space.hpp>

#include "space/encoder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace warpbo::space {

/// The text of the `invalid_argument` that the action must throw; fails the test if it throws nothing or something else.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

inline void expect_contains(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << "missing \"" << part << "\" in: " << text;
}

inline std::vector<double> encoded(const Encoder& encoder, const Parameters& parameters) {
  std::vector<double> row(encoder.dimensions());
  EXPECT_TRUE(encoder.encode(parameters, row));
  return row;
}

inline std::vector<double> snapped(const Encoder& encoder, std::vector<double> row) {
  encoder.snap(row);
  return row;
}

/// Uniform rows, a fifth of the entries outside of [0, 1] or at its ends.
class Rows {
 public:
  explicit Rows(std::uint64_t seed) : engine_(seed) {}
  double uniform() { return std::uniform_real_distribution<double>()(engine_); }
  std::vector<double> wild(const Encoder& encoder) {
    std::vector<double> row(encoder.dimensions());
    for (std::size_t c = 0; c < row.size(); ++c) {
      const double scale =
          encoder.columns()[c].kind == ColumnKind::categorical ? static_cast<double>(encoder.columns()[c].levels) : 1;
      row[c] = scale * (uniform() * 1.2 - 0.1);
      if (uniform() < 0.05) row[c] = 0;
      if (uniform() < 0.05) row[c] = scale;
    }
    return row;
  }
  std::vector<double> uniforms(std::size_t count) {
    std::vector<double> row(count);
    for (double& u : row) u = uniform();
    return row;
  }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace warpbo::space
