#include "backend/cpu/query_tile.hpp"

#include "backend/cpu/feature_loops.hpp"

#include <algorithm>

namespace warpbo::backend::cpu {

PreparedModel::PreparedModel(const Model& model, std::int64_t columns, ScratchPool& pool)
    : model_(model),
      scratch_(pool, ColumnScales::scratch_size(columns) + padded(model.points.rows) * columns),
      scales_(ColumnScales::make(model.kernel, model.theta, columns, scratch_)),
      points_(scales_.scale(model.points, scratch_.take(scales_.points_size(model.points.rows)))) {}

std::int64_t tile_size(std::int64_t m) { return m <= 64 ? 16 : m <= 256 ? 32 : m <= 1024 ? 64 : 128; }

double query_cost(const PreparedModel& prepared, std::int64_t m, bool variance, bool gradient) {
  const double n = static_cast<double>(prepared.points().rows), queries = static_cast<double>(m);
  double cost = n * covariance_cost(prepared.points().columns) * (gradient ? 1.5 : 1);
  if (variance) cost += dense_cost(n * n);
  if (variance && gradient) cost += dense_cost(n * n);
  return queries * (cost + 50);
}

QueryTile::QueryTile(const PreparedModel& prepared, const ConstMatrix& queries, bool slopes, ScratchPool& pool,
                     const Team& team)
    : prepared_(prepared),
      team_(team),
      n_(prepared.points().rows),
      count_(queries.rows),
      leading_(padded(n_)),
      scratch_(pool, padded(count_) * queries.columns + (slopes ? 3 : 2) * leading_ * count_ + block_size(n_) * block_size(n_) +
                         leading_ + padded(queries.columns) + kLanes * queries.columns),
      queries_(prepared.scales().scale(queries, scratch_.take(prepared.scales().points_size(count_)))),
      covariance_(scratch_.take(leading_ * count_)),
      slope_(slopes ? scratch_.take(leading_ * count_) : nullptr),
      own_whitened_(scratch_.take(leading_ * count_)),
      block_(scratch_.take(block_size(n_) * block_size(n_))),
      factor_(scratch_.take(leading_)),
      point_(scratch_.take(queries.columns)),
      sums_(scratch_.take(kLanes * queries.columns)) {
  covariances(slopes);
}

void QueryTile::covariances(bool slopes) {
  alignas(64) double squared[kStrip];
  const math::KernelFamily family = prepared_.model().kernel.family;
  for (std::int64_t q = 0; q < count_; ++q) {
    gather_point(queries_, q, point_);
    for (std::int64_t begin = 0; begin < n_; begin += kStrip) {
      const std::int64_t rows = std::min(kStrip, leading_ - begin), at = begin + q * leading_;
      squared_distances(prepared_.points(), begin, rows, point_, squared);
      if (slopes)
        covariance_slopes(family, rows, squared, covariance_ + at, slope_ + at);
      else
        covariance_values(family, rows, squared, covariance_ + at);
    }
  }
}

double QueryTile::product(std::int64_t query, const double* coefficients) const {
  return dot(n_, covariance(query), coefficients);
}

void QueryTile::means(std::int64_t samples, double* mean, std::int64_t leading) const {
  const Model& model = prepared_.model();
  for (std::int64_t s = 0; s < samples; ++s) std::fill_n(mean + s * leading, count_, model.mean);
  gemm(Op::transpose, Op::none, count_, samples, n_, model.outputscale, covariance_, leading_, model.weights.data,
       model.weights.leading, 1, mean, leading);
}

void QueryTile::whiten(double* whitened, std::int64_t leading) {
  const ConstMatrix& inverse = prepared_.model().inverse_factor;
  multiply_lower(Op::none, n_, count_, 1, inverse.data, inverse.leading, Op::none, covariance_, leading_, 0, whitened, leading,
                 block_, team_);
  whitened_ = whitened;
  whitened_leading_ = leading;
}

void QueryTile::variances(double* variance) const {
  for (std::int64_t q = 0; q < count_; ++q) {
    const double explained = sum_of_squares(n_, whitened_ + q * whitened_leading_);
    const double rest = 1 - explained;
    // A NaN stays a NaN.
    variance[q] = prepared_.model().outputscale * (rest < 0 ? 0.0 : rest);
  }
}

void QueryTile::unwhiten() {
  const ConstMatrix& inverse = prepared_.model().inverse_factor;
  multiply_lower(Op::transpose, n_, count_, 1, inverse.data, inverse.leading, Op::none, whitened_, whitened_leading_, 0,
                 covariance_, leading_, block_, team_);
}

void QueryTile::gradient(std::int64_t query, const double* coefficients, double by_variance, double* out, std::int64_t stride) {
  const ColumnScales& scales = prepared_.scales();
  const double outputscale = prepared_.model().outputscale;
  std::fill_n(sums_, kLanes * scales.columns, 0.0);
  combine(n_, outputscale, coefficients, -2 * outputscale * by_variance, covariance_ + query * leading_,
          slope_ + query * leading_, factor_);
  std::fill(factor_ + n_, factor_ + leading_, 0.0);
  gather_point(queries_, query, point_);
  for (std::int64_t begin = 0; begin < n_; begin += kStrip)
    add_weighted_differences(prepared_.points(), begin, std::min(kStrip, leading_ - begin), point_, factor_ + begin, sums_);
  // d(r^2)/dx_k = 2 (x_k - x_ik)/l_k^2, and the differences are scaled by 1/l_k already.
  for (std::int64_t k = 0; k < scales.columns; ++k)
    out[scales.order[k] * stride] = k < scales.numeric ? 2 * scales.inverse[k] * sum_lanes(sums_ + k * kLanes) : 0.0;
}

}  // namespace warpbo::backend::cpu
