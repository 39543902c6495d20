#include "backend/fixture.hpp"

#include <bit>
#include <cmath>

namespace warpbo::backend::testing {

namespace {
// A quiet NaN with a payload of ours: arithmetic that reads it by mistake gives NaN, and a write over it shows in the bits.
constexpr std::uint64_t kSentinel = 0x7ff8dead0000beefULL;
}  // namespace

std::ostream& operator<<(std::ostream& out, const BackendCase& backend) { return out << backend.name; }

std::string case_name(const ::testing::TestParamInfo<BackendCase>& info) { return info.param.name; }

Guarded::Guarded(std::shared_ptr<Backend> backend, std::int64_t rows, std::int64_t columns, std::int64_t batch)
    : backend_(std::move(backend)),
      rows_(rows),
      columns_(columns),
      batch_(batch),
      leading_(rows + 3),
      stride_((columns + 1) * leading_ + 5),
      buffer_(backend_, batch * stride_ + 7) {
  const std::vector<double> sentinels(static_cast<std::size_t>(buffer_.size()), std::bit_cast<double>(kSentinel));
  buffer_.upload(sentinels);
}

Guarded::Guarded(std::shared_ptr<Backend> backend, const HostMatrix& contents)
    : Guarded(std::move(backend), contents.rows, contents.columns) {
  upload(contents);
}

void Guarded::upload(const HostMatrix& contents, std::int64_t member) {
  for (std::int64_t j = 0; j < columns_; ++j)
    backend_->upload(buffer_.data() + member * stride_ + j * leading_, contents.data.data() + j * rows_,
                     static_cast<std::size_t>(rows_) * sizeof(double));
}

HostMatrix Guarded::download(std::int64_t member) const {
  HostMatrix out(rows_, columns_);
  for (std::int64_t j = 0; j < columns_; ++j)
    backend_->download(out.data.data() + j * rows_, buffer_.data() + member * stride_ + j * leading_,
                       static_cast<std::size_t>(rows_) * sizeof(double));
  return out;
}

Matrix Guarded::view() const { return {buffer_.data(), rows_, columns_, leading_, batch_, batch_ > 1 ? stride_ : 0}; }

bool Guarded::is_sentinel(double value) { return std::bit_cast<std::uint64_t>(value) == kSentinel; }

void Guarded::expect_guards() const {
  const std::vector<double> all = fetch(buffer_);
  for (std::int64_t at = 0; at < buffer_.size(); ++at) {
    const std::int64_t member = at / stride_, inside = at % stride_;
    const bool in_view = member < batch_ && inside / leading_ < columns_ && inside % leading_ < rows_;
    ASSERT_TRUE(in_view || is_sentinel(all[static_cast<std::size_t>(at)])) << "written outside the view, at offset " << at;
  }
}

void Guarded::expect_upper_untouched() const {
  for (std::int64_t p = 0; p < batch_; ++p) {
    const HostMatrix member = download(p);
    for (std::int64_t j = 0; j < columns_; ++j)
      for (std::int64_t i = 0; i < std::min(j, rows_); ++i)
        ASSERT_TRUE(is_sentinel(member(i, j))) << "upper triangle written at " << i << ", " << j;
  }
}

double Numbers::next() {
  state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
  std::uint64_t x = state_ ^ state_ >> 29;
  x *= 0xbf58476d1ce4e5b9ULL;
  return static_cast<double>((x ^ x >> 32) >> 11) * 0x1p-53;
}

HostMatrix Numbers::matrix(std::int64_t rows, std::int64_t columns) {
  HostMatrix out(rows, columns);
  for (double& x : out.data) x = next();
  return out;
}

Problem::Problem(std::int64_t rows, std::int64_t columns, std::int64_t categorical_columns, math::KernelFamily kernel,
                 std::uint64_t seed)
    : n(rows), d(columns), family(kernel) {
  Numbers numbers(seed);
  points = numbers.matrix(n, d);
  targets = numbers.matrix(n, 1);
  for (std::int64_t k = 0; k < d; ++k) categorical.push_back(k >= d - categorical_columns ? 1 : 0);
  for (std::int64_t k = d - categorical_columns; k < d; ++k)
    for (std::int64_t i = 0; i < n; ++i) points(i, k) = std::floor(3 * points(i, k));
  for (std::int64_t i = 0; i < n; ++i) {
    double y = 0.2 * targets(i, 0);
    for (std::int64_t k = 0; k < d; ++k) y += std::sin(3 * points(i, k) + static_cast<double>(k));
    targets(i, 0) = y;
    noise_weights.push_back(0.5 + numbers.next());
  }
  for (std::int64_t k = 0; k < d; ++k) theta.push_back(std::log(0.3 + 0.8 * numbers.next()));
  theta.push_back(std::log(1e-2));
}

long double reference_covariance(const Problem& problem, const HostMatrix& a, std::int64_t i, const HostMatrix& b,
                                 std::int64_t j) {
  long double squared = 0;
  for (std::int64_t k = 0; k < problem.d; ++k) {
    const auto at = static_cast<std::size_t>(k);
    const long double lengthscale = std::exp(static_cast<long double>(problem.theta[at]));
    long double delta = static_cast<long double>(a(i, k)) - static_cast<long double>(b(j, k));
    if (problem.categorical[at] != 0) delta = delta != 0 ? 1 : 0;
    squared += delta * delta / (lengthscale * lengthscale);
  }
  if (problem.family == math::KernelFamily::rbf) return std::exp(-squared / 2);
  const long double s = std::sqrt(5 * squared);
  return (1 + s + s * s / 3) * std::exp(-s);
}

LongMatrix reference_gram(const Problem& problem, long double jitter) {
  LongMatrix out(problem.n, problem.n);
  const long double noise = std::exp(static_cast<long double>(problem.theta.back()));
  for (std::int64_t j = 0; j < problem.n; ++j)
    for (std::int64_t i = 0; i < problem.n; ++i) {
      out(i, j) = reference_covariance(problem, problem.points, i, problem.points, j);
      if (i == j) out(i, j) += noise * static_cast<long double>(problem.noise_weights[static_cast<std::size_t>(i)]) + jitter;
    }
  return out;
}

LongMatrix reference_cholesky(const LongMatrix& a) {
  LongMatrix l(a.rows, a.rows);
  for (std::int64_t j = 0; j < a.rows; ++j)
    for (std::int64_t i = j; i < a.rows; ++i) {
      long double sum = a(i, j);
      for (std::int64_t k = 0; k < j; ++k) sum -= l(i, k) * l(j, k);
      l(i, j) = i == j ? std::sqrt(sum) : sum / l(j, j);
    }
  return l;
}

LongMatrix reference_inverse(const LongMatrix& lower) {
  LongMatrix out(lower.rows, lower.rows);
  for (std::int64_t j = 0; j < lower.rows; ++j)
    for (std::int64_t i = j; i < lower.rows; ++i) {
      long double sum = i == j ? 1 : 0;
      for (std::int64_t k = j; k < i; ++k) sum -= lower(i, k) * out(k, j);
      out(i, j) = sum / lower(i, i);
    }
  return out;
}

LongMatrix reference_product(const LongMatrix& a, bool transpose_a, const LongMatrix& b, bool transpose_b) {
  const std::int64_t m = transpose_a ? a.columns : a.rows, n = transpose_b ? b.rows : b.columns,
                     inner = transpose_a ? a.rows : a.columns;
  LongMatrix out(m, n);
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i < m; ++i) {
      long double sum = 0;
      for (std::int64_t k = 0; k < inner; ++k) sum += (transpose_a ? a(k, i) : a(i, k)) * (transpose_b ? b(j, k) : b(k, j));
      out(i, j) = sum;
    }
  return out;
}

LongMatrix widen(const HostMatrix& a) {
  LongMatrix out(a.rows, a.columns);
  for (std::size_t i = 0; i < a.data.size(); ++i) out.data[i] = a.data[i];
  return out;
}

HostMatrix narrow(const LongMatrix& a) {
  HostMatrix out(a.rows, a.columns);
  for (std::size_t i = 0; i < a.data.size(); ++i) out.data[i] = static_cast<double>(a.data[i]);
  return out;
}

void expect_near(const HostMatrix& a, const LongMatrix& b, double tolerance, bool lower) {
  ASSERT_EQ(a.rows, b.rows);
  ASSERT_EQ(a.columns, b.columns);
  long double largest = 1;
  for (const long double x : b.data) largest = std::max(largest, std::fabs(x));
  for (std::int64_t j = 0; j < a.columns; ++j)
    for (std::int64_t i = lower ? j : 0; i < a.rows; ++i)
      ASSERT_LE(std::fabs(static_cast<long double>(a(i, j)) - b(i, j)), static_cast<long double>(tolerance) * largest)
          << "at " << i << ", " << j << ": " << a(i, j) << " instead of " << static_cast<double>(b(i, j));
}

}  // namespace warpbo::backend::testing
