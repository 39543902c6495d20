#include "acquisition/candidate_pool.hpp"

#include "math/philox.hpp"
#include "optimize/transpose.hpp"

#include <cmath>

namespace warpbo::acquisition {

using backend::Buffer;
using backend::Matrix;

CandidatePool::CandidatePool(const gp::Regression& regression, const FantasyModel& fantasies, std::span<const double> rows,
                             std::int64_t picks)
    : regression_(regression),
      backend_(*regression.backend()),
      rows_(rows.begin(), rows.end()),
      dimensions_(regression.dimensions()),
      count_(static_cast<std::int64_t>(rows.size()) / regression.dimensions()),
      capacity_(picks > 0 ? fantasies.points() + picks : 0),
      points_(regression.backend(), static_cast<std::int64_t>(rows.size())),
      whitened_(regression.backend(), capacity_ * count_),
      variance_(regression.backend(), count_),
      value_(regression.backend(), count_) {
  points_.upload(optimize::transposed(rows, count_, dimensions_));
  compute(fantasies);
}

void CandidatePool::compute(const FantasyModel& fantasies) {
  samples_ = fantasies.samples();
  if (mean_.size() != count_ * samples_) mean_ = Buffer<double>(regression_.backend(), count_ * samples_);
  backend::Posterior posterior;
  posterior.model = fantasies.model();
  posterior.queries = points_.matrix(count_, dimensions_);
  posterior.mean = mean_.matrix(count_, samples_);
  posterior.variance = variance_.view();
  if (capacity_ > 0) posterior.whitened = Matrix{whitened_.data(), fantasies.points(), count_, capacity_, 1, 0};
  backend_.run(posterior);
}

void CandidatePool::extend(const FantasyModel& fantasies) {
  if (fantasies.samples() != samples_) return compute(fantasies);  // the first sampled point: every mean splits into S
  backend::PosteriorExtend extend;
  extend.kernel = regression_.kernel();
  extend.theta = regression_.theta_view();
  extend.point = fantasies.last_point();
  extend.queries = points_.matrix(count_, dimensions_);
  extend.row_factor = fantasies.last_row();
  extend.diagonal = fantasies.last_diagonal();
  extend.innovations = fantasies.last_innovations();
  extend.outputscale = regression_.outputscale();
  extend.whitened = Matrix{whitened_.data(), fantasies.points(), count_, capacity_, 1, 0};
  extend.mean = mean_.matrix(count_, samples_);
  extend.variance = variance_.view();
  backend_.run(extend);
}

std::vector<double> CandidatePool::score(const backend::AcquisitionSpec& acquisition) const {
  backend_.run(backend::Score{acquisition, mean_.matrix(count_, samples_), variance_.view(), value_.view()});
  std::vector<double> values(size());
  value_.download(values);
  for (double& v : values)
    if (std::isnan(v)) v = -INFINITY;
  return values;
}

std::vector<double> CandidatePool::draw(std::uint64_t seed) const {
  std::vector<double> mean(static_cast<std::size_t>(count_ * samples_)), variance(size()), out(size());
  mean_.download(mean);
  variance_.download(variance);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t sample = i % static_cast<std::size_t>(samples_);
    out[i] = -(mean[i + sample * out.size()] + std::sqrt(variance[i]) * math::philox_normal(seed, 4, i, 0));
    if (std::isnan(out[i])) out[i] = -INFINITY;
  }
  return out;
}

}  // namespace warpbo::acquisition
