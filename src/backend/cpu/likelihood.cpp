#include "backend/cpu/blocked.hpp"
#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/gram.hpp"
#include "math/profiled_density.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace warpbo::backend {

namespace {

using namespace cpu;

/// Above this size one member at a time, shared by all threads, instead of one member per thread: there is enough work in it,
/// and the two n x n matrices of each member in flight would add up.
constexpr std::int64_t kLargeMember = 768;

/// What a member is fitted to, whether the batch shares it or not.
LikelihoodData data_of(const Likelihood& call, std::int64_t index) {
  if (!call.data.empty()) return call.data.data[call.indices.data[index]];
  return {call.points.member(index), call.targets.member(index).data,
          call.noise_weights.empty() ? nullptr : call.noise_weights.data,
          call.kernel.categorical.empty() ? nullptr : call.kernel.categorical.data, call.prior};
}

/// One hyperparameter vector on its way to value and gradient. All arrays live in one block of scratch.
class Member {
 public:
  Member(const Likelihood& likelihood, std::int64_t index, ScratchPool& pool, const Team& team)
      : call_(likelihood),
        data_(data_of(likelihood, index)),
        kernel_{likelihood.kernel.family, {data_.categorical, data_.categorical != nullptr ? data_.points.columns : 0}},
        pool_(pool),
        team_(team),
        index_(index),
        n_(data_.points.rows),
        d_(data_.points.columns),
        leading_(padded(n_)),
        width_(block_size(n_)),
        theta_(likelihood.theta.block(index, 0, 1, d_ + 1)),
        scratch_(pool, ColumnScales::scratch_size(d_) + leading_ * d_ + (with_gradient() ? 2 : 1) * leading_ * n_ +
                           4 * leading_ + padded(tiles() * (d_ + 1))),
        scales_(ColumnScales::make(kernel_, theta_, d_, scratch_)),
        points_(scales_.scale(data_.points, scratch_.take(scales_.points_size(n_)))),
        noise_(std::exp(theta(d_))) {}

  void evaluate() {
    std::int32_t info = factor();
    double value = std::numeric_limits<double>::infinity();
    if (info == 0) {
      value = density();
      if (!std::isfinite(value)) info = static_cast<std::int32_t>(n_ + 1);
    }
    if (info == 0 && with_gradient()) {
      compute_gradient();
      for (std::int64_t k = 0; k <= d_; ++k)
        if (!std::isfinite(gradient(k))) info = static_cast<std::int32_t>(n_ + 1);
    }
    call_.info.data[index_] = info;
    call_.value.data[index_] = info == 0 ? value : std::numeric_limits<double>::infinity();
    if (info != 0 && with_gradient())
      for (std::int64_t k = 0; k <= d_; ++k) gradient(k) = 0;
  }

 private:
  [[nodiscard]] bool with_gradient() const { return !call_.gradient.empty(); }
  [[nodiscard]] double theta(std::int64_t k) const { return theta_.data[k * theta_.leading]; }
  [[nodiscard]] double& gradient(std::int64_t k) const { return call_.gradient.data[index_ + k * call_.gradient.leading]; }
  [[nodiscard]] std::int64_t blocks() const { return (n_ + width_ - 1) / width_; }
  [[nodiscard]] std::int64_t tiles() const { return blocks() * (blocks() + 1) / 2; }
  [[nodiscard]] double prior_center(std::int64_t k) const {
    return k < d_ ? data_.prior.lengthscale_center : data_.prior.noise_center;
  }
  [[nodiscard]] double prior_sd(std::int64_t k) const { return k < d_ ? data_.prior.lengthscale_sd : data_.prior.noise_sd; }
  [[nodiscard]] ConstVector noise_weights() const {
    return data_.noise_weights != nullptr ? ConstVector{data_.noise_weights, n_} : ConstVector{};
  }

  /// C, and its factor in place of it.
  std::int32_t factor() {
    factor_ = scratch_.take(leading_ * n_);
    fill_gram(kernel_.family, points_, {noise_, noise_weights(), 0}, factor_, leading_, team_);
    return factor_lower(n_, 0, factor_, leading_, team_);
  }

  /// Mean, outputscale and the negative log density; leaves alpha = C^-1 (y - mean).
  double density() {
    double* whitened = scratch_.take(2 * leading_);
    alpha_ = scratch_.take(leading_);
    std::fill_n(whitened, n_, 1.0);
    std::copy_n(data_.targets, n_, whitened + leading_);
    trsm_lower(Side::left, Op::none, n_, 2, 1, factor_, leading_, whitened, leading_);
    double ones = 0, cross = 0;
    for (std::int64_t i = 0; i < n_; ++i) {
      ones += whitened[i] * whitened[i];
      cross += whitened[i] * whitened[i + leading_];
    }
    const double mean = n_ > 0 ? cross / ones : 0;
    double quadratic = 0, log_determinant = 0;
    for (std::int64_t i = 0; i < n_; ++i) {
      alpha_[i] = whitened[i + leading_] - mean * whitened[i];
      quadratic += alpha_[i] * alpha_[i];
      log_determinant += 2 * std::log(factor_[i + i * leading_]);
    }
    trsm_lower(Side::left, Op::transpose, n_, 1, 1, factor_, leading_, alpha_, leading_);
    const double size = static_cast<double>(n_), shape = data_.prior.shape, rate = data_.prior.rate;
    outputscale_ = math::profiled_outputscale(size, quadratic, shape, rate);
    double value = math::negative_log_density(size, quadratic, log_determinant, outputscale_, shape, rate);
    for (std::int64_t k = 0; k <= d_; ++k) value += math::normal_penalty(theta(k), prior_center(k), prior_sd(k));
    return value;
  }

  /// One pass over the tiles of C^-1 = T'T, T = L^-1: each is made, weighted and contracted with what every column adds to r^2,
  /// and forgotten while it is still in the cache. Sums over tiles are taken in order afterwards.
  void compute_gradient() {
    inverse_ = scratch_.take(leading_ * n_);
    for (std::int64_t j = 0; j < n_; ++j)
      std::fill(inverse_ + j / width_ * width_ + j * leading_, inverse_ + j + j * leading_, 0.0);
    invert_lower(n_, 0, factor_, leading_, inverse_, leading_, team_);
    double* partial = scratch_.take(tiles() * (d_ + 1));
    const double size = static_cast<double>(n_);
    const double cost = dense_cost(size * size * size / 3) + size * size * covariance_cost(d_);
    team_.each(tiles(), cost, [&](std::int64_t tile) {
      // Tiles row by row of blocks: the tile's row is the largest with row (row + 1) / 2 <= tile.
      auto row = static_cast<std::int64_t>((std::sqrt(8.0 * static_cast<double>(tile) + 1) - 1) / 2);
      while ((row + 1) * (row + 2) / 2 <= tile) ++row;
      while (row * (row + 1) / 2 > tile) --row;
      contract_tile(row, tile - row * (row + 1) / 2, partial + tile * (d_ + 1));
    });
    for (std::int64_t k = 0; k <= d_; ++k) {
      double sum = 0;
      for (std::int64_t tile = 0; tile < tiles(); ++tile) sum += partial[tile * (d_ + 1) + k];
      // dr^2/d(log lengthscale_k) = -2 delta_k^2/l_k^2, and each pair of the lower triangle stands for two.
      const std::int64_t column = k < d_ ? scales_.order[k] : d_;
      const double prior = math::normal_penalty_slope(theta(column), prior_center(column), prior_sd(column));
      gradient(column) = (k < d_ ? -4 * sum : noise_ * sum) + prior;
    }
  }

  /// partial[k] = sum over the tile's pairs of W_ij dk/dr^2 delta_ijk^2/l_k^2; partial[d] = sum of W_ii noise_weight_i.
  void contract_tile(std::int64_t block_row, std::int64_t block_column, double* partial) const {
    const std::int64_t row = block_row * width_, column = block_column * width_;
    const std::int64_t rows = std::min(width_, n_ - row), columns = std::min(width_, n_ - column);
    Scratch own(pool_, width_ * width_ + 4 * padded(width_) + padded(d_) + kLanes * d_);
    double* tile = own.take(width_ * width_);
    double* squared = own.take(width_);
    double* value = own.take(width_);
    double* slope = own.take(width_);
    double* weight = own.take(width_);
    double* point = own.take(d_);
    double* sums = own.take(kLanes * d_);
    std::fill_n(sums, kLanes * d_, 0.0);
    gemm(Op::transpose, Op::none, rows, columns, n_ - row, 1, inverse_ + row + row * leading_, leading_,
         inverse_ + row + column * leading_, leading_, 0, tile, width_);
    double trace = 0;
    for (std::int64_t j = 0; j < columns; ++j) {
      const std::int64_t first = row == column ? j + 1 : 0;  // the first row of the tile that lies below the diagonal
      const double scaled = alpha_[column + j] / outputscale_;
      const double* inverse = tile + j * width_;
      if (row == column) {
        const double own_weight = data_.noise_weights == nullptr ? 1.0 : data_.noise_weights[column + j];
        trace += 0.5 * (inverse[j] - alpha_[column + j] * scaled) * own_weight;
      }
      const std::int64_t begin = first / kLanes * kLanes, count = padded(rows) - begin;
      if (count <= 0) continue;
      gather_point(points_, column + j, point);
      squared_distances(points_, row + begin, count, point, squared + begin);
      covariance_slopes(kernel_.family, count, squared + begin, value + begin, slope + begin);
      std::fill(weight + begin, weight + std::min(first, padded(rows)), 0.0);
      for (std::int64_t i = first; i < rows; ++i) weight[i] = 0.5 * (inverse[i] - alpha_[row + i] * scaled) * slope[i];
      std::fill(weight + rows, weight + padded(rows), 0.0);
      add_weighted_squares(points_, row + begin, count, point, weight + begin, sums);
    }
    for (std::int64_t k = 0; k < d_; ++k) partial[k] = sum_lanes(sums + k * kLanes);
    partial[d_] = trace;
  }

  const Likelihood& call_;
  LikelihoodData data_;
  KernelSpec kernel_;
  ScratchPool& pool_;
  const Team& team_;
  std::int64_t index_, n_, d_, leading_, width_;
  ConstMatrix theta_;
  Scratch scratch_;
  ColumnScales scales_;
  ScaledPoints points_;
  double noise_;
  double* factor_ = nullptr;
  double* inverse_ = nullptr;
  double* alpha_ = nullptr;
  double outputscale_ = 1;
};

}  // namespace

void CpuBackend::run(const Likelihood& likelihood) {
  std::int64_t batch = likelihood.theta.rows;
  if (likelihood.active != nullptr) batch = std::min<std::int64_t>(batch, *likelihood.active);
  if (batch == 0) return;
  if (batch == 1) return Member(likelihood, 0, scratch_, team_).evaluate();
  // Large members one after the other with all threads, then the small ones side by side.
  std::vector<std::int64_t> small;
  double cost = 0;
  for (std::int64_t p = 0; p < batch; ++p) {
    const std::int64_t n = data_of(likelihood, p).points.rows;
    if (n >= kLargeMember) {
      Member(likelihood, p, scratch_, team_).evaluate();
      continue;
    }
    const double size = static_cast<double>(n);
    cost += dense_cost(size * size * size) + size * size * covariance_cost(likelihood.points.columns);
    small.push_back(p);
  }
  const Team alone = Team::alone();
  team_.each(std::ssize(small), cost,
             [&](std::int64_t i) { Member(likelihood, small[static_cast<std::size_t>(i)], scratch_, alone).evaluate(); });
}

}  // namespace warpbo::backend
