/// The choices of the Gaussian-process strategy in one place, with the reasons. bench/README.md has the measurements behind
/// them.
#pragma once

#include <cstdint>

namespace warpbo::samplers {

struct GpRecipe {
  // Search
  std::int64_t candidates = 2048;  ///< scored per ask
  int starts = 10;                 ///< climbed per pick; the first pick of a batch
  int batch_starts = 4;            ///< climbed for each further pick
  std::int64_t samples = 64;       ///< sampled data sets for batches and pending trials
  std::int64_t incumbents = 5;     ///< best observations whose surroundings are searched
  std::int64_t baseline = 8;       ///< noisy incumbents that are integrated over
  int climb_rounds = 60;
  int batch_rounds = 25;               ///< the same for the trials of a batch
  double batch_tolerance = 1e-5;       ///< relative change of the value at which their climbs end
  std::size_t modelled_pending = 512;  ///< latest pending trials whose values are sampled; older ones are only not repeated

  // Large batches (bench/README.md has the comparison)
  int large_batch = 129;  ///< from this size on trials follow functions of their own; smaller batches are chosen jointly
  int large_joint = 32;   ///< trials of a large batch that are chosen jointly first
  /// Up to so many observations; beyond, fewer in proportion to the square: each is some passes over the factor.
  std::int64_t large_joint_until = 1000;
  double large_exploring = 0;           ///< share that explores the promising region (acquisition::fill_by_variance)
  int most_exploring = 512;             ///< such trials at most: each costs a pass over the candidates
  std::int64_t path_candidates = 4096;  ///< screened for all functions
  std::int64_t path_features = 1024;
  int path_starts = 2;
  int path_rounds = 40;
  /// Of the functions around the posterior mean (acquisition::PathBatchOptions). Draws from the posterior itself explore too
  /// much in ten and more dimensions.
  double least_spread = 0.1;

  // Model
  double noise_center = -5;  ///< of the logarithm of noise / outputscale
  double noise_sd = 3;
  double min_noise = 1e-7;       ///< the floor; also what a deterministic objective gets
  double noisy_above = 1e-3;     ///< an inferred noise above this makes incumbents uncertain
  double lengthscale_shift = 0;  ///< added to the center of the log lengthscale's prior
  double lengthscale_sd = 1.7320508075688772;
  double outputscale_shape = 1;  ///< of the inverse gamma on the outputscale, whose mode is 1 (the variance of the targets)
  bool warp = true;              ///< compress bad outliers before standardizing
  double log_offset = 1;         ///< of the targets' logarithm (gp::Warp), taken where the data speaks for it; 0: never
  double least_log_gain = 0.2;   ///< by how much the log evidence has to be better for that, per observation

  // Fitting
  int cold_restarts = 6;  ///< starts of a search from nothing
  int cold_rounds = 60;
  int trial_rounds = 12;  ///< after which the best `finalists` go on
  int finalists = 2;
  int log_rounds = 15;            ///< with the logarithm, from the best without
  int polish_rounds = 25;         ///< on all observations, of a search that began on some of them
  int warm_rounds = 15;           ///< rounds of a search from the last anchor's result
  std::int64_t always_cold = 40;  ///< up to this many observations every fit is a cold one: it costs little
  double anchor_growth = 1.15;    ///< a cold fit whenever the data has grown by this factor
  /// The same, of warm fits too, once there are more than `fit_subset`: a subset of that size says the same again.
  double late_growth = 1.5;
  std::int64_t always_warm = 200;  ///< up to this many observations every ask refines the hyperparameters
  double warm_growth = 1.05;       ///< beyond, whenever the data has grown by this factor; in between the factor is extended
  std::int64_t fit_subset = 1000;  ///< hyperparameters are fitted to at most this many observations
  std::int64_t shared_fit = 256;  ///< up to this many observations a study's searches may be made together with those of others
  std::int64_t max_observations = 5000;  ///< the model keeps at most this many on a CPU (the best, then the most recent)
  std::int64_t replaced_share = 8;  ///< beyond, it makes room for new ones an eighth at a time: in between its factor extends
  std::int64_t max_observations_device = 20000;  ///< and on a GPU; on either, fewer where the memory does not suffice
};

}  // namespace warpbo::samplers
