/// What the conformance tests share. Every test runs on every backend of backends(); the references are straightforward code in
/// long double that shares nothing with src/.
#pragma once

#include "backend/memory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace warpbo::backend::testing {

struct BackendCase {
  std::string name;
  std::function<std::shared_ptr<Backend>(int threads)> make;
};

/// The engines under test. Each program of the suite defines it in its cases_*.cpp.
std::vector<BackendCase> backends();
std::ostream& operator<<(std::ostream& out, const BackendCase& backend);
std::string case_name(const ::testing::TestParamInfo<BackendCase>& info);

/// A column-major matrix in host memory.
template <class T>
struct Host {
  std::int64_t rows = 0, columns = 0;
  std::vector<T> data;

  Host() = default;
  Host(std::int64_t r, std::int64_t c, T value = 0) : rows(r), columns(c), data(static_cast<std::size_t>(r * c), value) {}
  T& operator()(std::int64_t i, std::int64_t j) { return data[static_cast<std::size_t>(i + j * rows)]; }
  const T& operator()(std::int64_t i, std::int64_t j) const { return data[static_cast<std::size_t>(i + j * rows)]; }
};
using HostMatrix = Host<double>;
using LongMatrix = Host<long double>;

/// Device memory around a view: rows below, columns behind and gaps between members hold a sentinel that no operation may
/// change.
class Guarded {
 public:
  Guarded(std::shared_ptr<Backend> backend, std::int64_t rows, std::int64_t columns, std::int64_t batch = 1);
  /// One member with these contents.
  Guarded(std::shared_ptr<Backend> backend, const HostMatrix& contents);

  void upload(const HostMatrix& contents, std::int64_t member = 0);
  [[nodiscard]] HostMatrix download(std::int64_t member = 0) const;
  [[nodiscard]] Matrix view() const;
  [[nodiscard]] Vector vector() const { return {buffer_.data(), rows_ * columns_}; }
  /// Every element outside the view is still the sentinel.
  void expect_guards() const;
  /// The strict upper triangle (row < column) is still the sentinel too.
  void expect_upper_untouched() const;
  static bool is_sentinel(double value);

 private:
  std::shared_ptr<Backend> backend_;
  std::int64_t rows_, columns_, batch_, leading_, stride_;
  Buffer<double> buffer_;
};

/// A plain typed array on the device.
template <class T>
Buffer<T> make_buffer(const std::shared_ptr<Backend>& backend, const std::vector<T>& values) {
  Buffer<T> buffer(backend, static_cast<std::int64_t>(values.size()));
  buffer.upload(values);
  return buffer;
}
template <class T>
std::vector<T> fetch(const Buffer<T>& buffer) {
  std::vector<T> values(static_cast<std::size_t>(buffer.size()));
  buffer.download(values);
  return values;
}

/// Deterministic uniforms in [0, 1).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 2 + 1) {}
  double next();
  HostMatrix matrix(std::int64_t rows, std::int64_t columns);

 private:
  std::uint64_t state_;
};

class Conformance : public ::testing::TestWithParam<BackendCase> {
 protected:
  std::shared_ptr<Backend> backend = GetParam().make(0);
};

/// A small problem with `categorical` columns at the end holding 0, 1 or 2.
struct Problem {
  std::int64_t n = 0, d = 0;
  HostMatrix points, targets;
  std::vector<std::uint8_t> categorical;
  std::vector<double> noise_weights;
  std::vector<double> theta;  ///< d log lengthscales, log noise
  math::KernelFamily family = math::KernelFamily::matern52;

  Problem(std::int64_t n, std::int64_t d, std::int64_t categorical_columns, math::KernelFamily family, std::uint64_t seed);
};

// ------------------------------------------------------------------------------------------------------------ references

long double reference_covariance(const Problem& problem, const HostMatrix& a, std::int64_t i, const HostMatrix& b,
                                 std::int64_t j);
/// C in full.
LongMatrix reference_gram(const Problem& problem, long double jitter = 0);
/// Lower factor; the matrix must be positive definite.
LongMatrix reference_cholesky(const LongMatrix& a);
/// L^-1 in full, zeros above.
LongMatrix reference_inverse(const LongMatrix& lower);
LongMatrix reference_product(const LongMatrix& a, bool transpose_a, const LongMatrix& b, bool transpose_b);
LongMatrix widen(const HostMatrix& a);
HostMatrix narrow(const LongMatrix& a);

/// |a - b| <= tolerance * max(1, largest |b|), element by element; `lower`: only row >= column.
void expect_near(const HostMatrix& a, const LongMatrix& b, double tolerance, bool lower = false);

}  // namespace warpbo::backend::testing
