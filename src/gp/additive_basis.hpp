/// The features of AdditiveModel: a constant; of every numeric column Legendre polynomials and cosines; of every categorical
/// one its indicators.
#pragma once

#include "gp/additive.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::gp {

class AdditiveBasis {
 public:
  AdditiveBasis(std::span<const AdditiveColumn> columns, AdditiveTerms terms);

  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// Of a numeric column: its entries are those of the spectrum, polynomials first.
  [[nodiscard]] const AdditiveTerms& terms() const noexcept { return terms_; }
  [[nodiscard]] std::size_t columns() const noexcept { return first_.size(); }
  [[nodiscard]] bool categorical(std::size_t column) const { return categorical_[column] != 0; }
  /// A column's features are first(column) ... first(column) + count(column) - 1; feature 0 is the constant.
  [[nodiscard]] std::int64_t first(std::size_t column) const { return first_[column]; }
  [[nodiscard]] std::int64_t count(std::size_t column) const { return count_[column]; }

  /// A column's features at x, count(column) of them, `stride` apart.
  void evaluate(std::size_t column, double x, double* out, std::int64_t stride = 1) const;
  /// All features of row-major points, column-major n x size().
  [[nodiscard]] std::vector<double> matrix(std::span<const double> points) const;
  /// The prior variance of every weight; that of the constant is wide.
  [[nodiscard]] std::vector<double> variances(const AdditivePrior& prior) const;

 private:
  std::vector<unsigned char> categorical_;
  std::vector<std::int64_t> first_, count_;
  AdditiveTerms terms_;
  std::int64_t size_ = 1;
};

}  // namespace warpbo::gp
