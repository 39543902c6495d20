/// The numerical engine: coarse, batched, asynchronous operations on memory that the backend owns.
///
/// Rules that hold for every operation:
///   - It may return before the work is done. Work of one backend object runs in the order of the calls; `download` and
///     `synchronize` wait. One object is used by one thread at a time.
///   - Arguments are one struct of views. Outputs never alias inputs unless the comment says "in place".
///   - A numeric failure is data: an entry of `info`, or a NaN. Never an exception, never an abort. Sizes may be 0.
///   - `active`, where present, points to a count in backend memory: only the first *active rows (or batch members) are
///   computed,
///     so that a loop whose problems converge one by one needs no synchronization. Null means all.
///   - Results are a function of the inputs alone: fixed-order reductions, counter-based random numbers.
///   - Exceptions (warpbo::Error) are for misuse, resource_exhausted (out of memory) and unavailable (the device is lost).
#pragma once

#include "backend/kernel.hpp"
#include "backend/views.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace warpbo::backend {

// ---------------------------------------------------------------------------------------------------- point generators

/// out(i, k) = coordinate k of point first + i of the Sobol' sequence with Owen scrambling by `seed` (Joe & Kuo 2008
/// directions; hash-based scrambling after Laine & Karras 2011, Burley 2020), in [0, 1). Beyond kSobolDimensions columns are
/// Philox uniforms.
struct FillSobol {
  Matrix out;
  std::uint64_t seed = 0;
  std::int64_t first = 0;
};

/// out = independent uniforms in [0, 1) or standard normals from Philox-4x32-10: a function of (seed, stream, row, column)
/// only, times the factor of its row where `row_factors` has any.
struct FillRandom {
  Matrix out;
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  bool normal = false;
  ConstVector row_factors = {};
};

// -------------------------------------------------------------------------------------------------- covariance matrices

/// Lower triangle (with diagonal) of C = k(X, X) + diag(noise * noise_weights + jitter) for every batch member.
struct Gram {
  KernelSpec kernel;
  ConstMatrix points;         ///< n x d, shared or per member
  ConstMatrix theta;          ///< batch x (d + 1), row p for member p: log lengthscales, then log noise
  ConstVector noise_weights;  ///< n factors of the noise, or empty for ones
  double jitter = 0;
  Matrix out;  ///< n x n per member; the strict upper triangle is left alone
};

/// out(i, j) = k(left_i, right_j); no noise. For row 0 of theta.
struct CrossGram {
  KernelSpec kernel;
  ConstMatrix left;   ///< n x d
  ConstMatrix right;  ///< m x d
  ConstMatrix theta;  ///< 1 x (d + 1)
  Matrix out;         ///< n x m
};

/// What one member of a likelihood's batch is fitted to, where members differ in that (many studies).
struct LikelihoodData {
  ConstMatrix points;                         ///< n x d
  const double* targets = nullptr;            ///< n
  const double* noise_weights = nullptr;      ///< n, or null for ones
  const std::uint8_t* categorical = nullptr;  ///< d flags, or null: all numeric
  HyperPrior prior;
};

/// Negative log posterior density of the hyperparameters, and its gradient, for a batch of hyperparameter vectors.
/// With C as in Gram, mean m = 1'C^-1 y / 1'C^-1 1 and outputscale s2 = (r'C^-1 r + 2 rate) / (n + 2 shape + 2), r = y - m 1,
/// in closed form:
///   value = (n/2) log s2 + (1/2) log|C| + (r'C^-1 r + 2 rate) / (2 s2) + (shape + 1) log s2 + (n/2) log 2 pi
///           + sum_k (theta_k - lengthscale_center)^2 / (2 lengthscale_sd^2) + (theta_noise - noise_center)^2 / (2 noise_sd^2)
/// (inverse-gamma prior on s2; an infinite sd switches a prior off). The gradient in all d + 1 entries takes one pass over the
/// weights W = (C^-1 - alpha alpha' / s2) / 2 (Rasmussen & Williams 2006, eq. 5.9): the derivatives in m and s2 vanish at their
/// optimum. A member whose C is not positive definite or gives non-finite numbers has info != 0, value = +infinity and a zero
/// gradient.
///
/// With `data`, members may differ in size, noise weights, categorical columns and prior: row a of theta is a member of
/// data[indices[a]]. `points` then only says the largest n and the common d, and targets, noise_weights, prior and
/// kernel.categorical are not read. The result of a member does not depend on the others (on a device up to rounding errors).
struct Likelihood {
  KernelSpec kernel;
  ConstMatrix points;         ///< n x d, shared or per member
  ConstMatrix targets;        ///< n x 1, shared or per member
  ConstVector noise_weights;  ///< n, or empty
  ConstMatrix theta;          ///< batch x (d + 1)
  HyperPrior prior;
  const std::int32_t* active = nullptr;
  Vector value;                                 ///< batch
  Matrix gradient;                              ///< batch x (d + 1); empty: value only
  VectorView<std::int32_t> info;                ///< batch
  VectorView<const LikelihoodData> data = {};   ///< in backend memory, or empty: every member has what stands above
  VectorView<const std::int32_t> indices = {};  ///< batch
};

// ------------------------------------------------------------------------------------------------------ dense algebra

/// In place: lower triangle of A -> L with A = L L', per member. `existing` > 0: the first `existing` rows hold L already and
/// only the rows below (which hold A) are factored. info: 0, or 1 + the row whose pivot was not positive or not finite.
/// `inverse`: the inverse of the existing factor (existing x existing, lower) where the caller has it, or empty. An engine may
/// then multiply with it instead of solving, which needs no chain of dependent rows and reads as much.
struct Cholesky {
  Matrix factor;
  std::int64_t existing = 0;
  VectorView<std::int32_t> info;
  ConstMatrix inverse = {};
};

/// out = L^-1 (lower; the strict upper triangle is left alone). `existing` > 0: the leading existing x existing block of `out`
/// is right already and only the rows below are computed.
struct TriangularInverse {
  ConstMatrix factor;
  std::int64_t existing = 0;
  Matrix out;
};

/// In place: right <- L^-1 right, or L'^-1 right when `transposed`.
struct SolveLower {
  ConstMatrix factor;
  bool transposed = false;
  Matrix right;
};

/// out = scale * op(A) op(B) + keep * out. `lower_left`: A is lower triangular and its upper triangle is not read.
struct Multiply {
  ConstMatrix left;
  bool transpose_left = false;
  bool lower_left = false;
  ConstMatrix right;
  bool transpose_right = false;
  double scale = 1;
  double keep = 0;
  Matrix out;
};

// ------------------------------------------------------------------------------------------------------------ posterior

/// A fitted process as the operations below need it. With V(x) = L^-1 k(X, x):
///   mean_s(x) = mean + outputscale * k(x, X) weights_s      (weights = C^-1 (y - mean) / outputscale; S columns: S sampled
///   data sets) variance(x) = outputscale * max(1 - V(x)'V(x), 0)
struct Model {
  KernelSpec kernel;
  ConstMatrix points;          ///< n x d
  ConstMatrix theta;           ///< 1 x (d + 1)
  ConstMatrix inverse_factor;  ///< n x n lower, L^-1
  ConstMatrix weights;         ///< n x S
  double mean = 0;
  double outputscale = 1;
};

/// Posterior moments at m queries, tiled so that memory stays bounded.
struct Posterior {
  Model model;
  ConstMatrix queries;  ///< m x d
  const std::int32_t* active = nullptr;
  Matrix mean;               ///< m x S
  Vector variance;           ///< m, or empty
  Matrix whitened;           ///< n x m, V of every query, or empty (not kept)
  Matrix mean_gradient;      ///< m x d, only when S = 1, or empty
  Matrix variance_gradient;  ///< m x d, or empty
};

/// The moments of Posterior after the model got one more point z: appends row n to `whitened` and updates mean and variance in
/// place, O(n) per query. The new row of the factor of C is (row_factor, diagonal); `innovations` holds, per column s of the
/// mean, the new entry of L^-1 (y_s - mean): the standardized value that column assumes at z times sqrt(outputscale).
struct PosteriorExtend {
  KernelSpec kernel;
  ConstMatrix theta;
  ConstMatrix point;        ///< 1 x d, z
  ConstMatrix queries;      ///< m x d
  ConstMatrix row_factor;   ///< 1 x n, row of L for z
  double diagonal = 1;      ///< last entry of that row
  ConstVector innovations;  ///< S
  double outputscale = 1;
  Matrix whitened;  ///< (n + 1) x m, row n is written
  Matrix mean;      ///< m x S, in place
  Vector variance;  ///< m, in place
};

// ---------------------------------------------------------------------------------------------------------- acquisition

/// Acquisition values from moments; larger is better; all for minimization.
///   log_ei: log of the average over s of EI(mean_s, sqrt(variance), incumbent_s)   (Ament et al. 2023, arXiv 2310.20708,
///   section 4) ucb:    -(mean_0 - parameter * sd) mean:   -mean_0 sd:     sqrt(variance)
/// A variance below 1e-20 (targets are standardized) counts as that much, and its gradient as 0, so that log_ei stays finite.
enum class AcquisitionKind { log_ei, ucb, mean, sd };

struct AcquisitionSpec {
  AcquisitionKind kind = AcquisitionKind::log_ei;
  ConstVector incumbents;  ///< S values (log_ei)
  double parameter = 2;    ///< ucb's coefficient
};

/// Values alone, from moments that are at hand.
struct Score {
  AcquisitionSpec acquisition;
  ConstMatrix mean;      ///< m x S
  ConstVector variance;  ///< m
  Vector out;            ///< m
};

/// Values and gradients at queries, fused with the posterior.
struct Acquisition {
  Model model;
  AcquisitionSpec acquisition;
  ConstMatrix queries;  ///< m x d
  const std::int32_t* active = nullptr;
  Vector value;     ///< m
  Matrix gradient;  ///< m x d, or empty; 0 in categorical columns
};

/// The `count` largest values, largest first; equal ones by lower index; NaN counts as smallest. Indices beyond the number of
/// values are -1.
struct SelectTop {
  ConstVector values;
  VectorView<std::int32_t> indices;  ///< count
};

// ---------------------------------------------------------------------------------------------------- function samples

/// J random Fourier features of the kernel (Rahimi & Recht 2007): J frequency vectors, whose angles at a point x are
///   angle_j(x) = sum over numeric columns k of frequencies(j, first_k) x_k
///              + sum over categorical columns k of frequencies(j, first_k + x_k),
/// so that a categorical column has one frequency per level (its one-hot code); first_k may lie behind columns for levels -1,
/// ...
struct FourierFeatures {
  KernelSpec kernel;                     ///< tells which columns are categorical
  ConstMatrix frequencies;               ///< J x (columns that first_k points into)
  VectorView<const std::int32_t> first;  ///< d
};

/// out = [cos(angle_j(x)); sin(angle_j(x))], one column per point.
struct EvaluateFeatures {
  FourierFeatures features;
  ConstMatrix points;  ///< m x d
  Matrix out;          ///< 2J x m
};

/// q functions drawn from the posterior, by pathwise conditioning (Wilson et al. 2020, arXiv 2002.09309): a draw from the prior
/// and the update that the data ask for,
///   f_s(x) = mean(x) + spread_s (features(x)' amplitudes_s - outputscale k(x, X) updates_s)
/// with the mean of `model` (one column of weights; its inverse factor is not used).
struct PathModel {
  Model model;
  FourierFeatures features;
  ConstMatrix amplitudes;  ///< 2J x q
  ConstMatrix updates;     ///< n x q
  ConstVector spread;      ///< q, or empty for ones
};

/// Every path at its own points. Row a belongs to problem p = problems[a] (p = a where `problems` is empty), whose path is
/// paths_of[p]; several problems may share a path.
struct Paths {
  PathModel paths;
  VectorView<const std::int32_t> paths_of;
  VectorView<const std::int32_t> problems;
  ConstMatrix queries;  ///< m x d
  const std::int32_t* active = nullptr;
  Vector value;     ///< m
  Matrix gradient;  ///< m x d, or empty; 0 in categorical columns
};

/// All paths at m shared candidates, reduced as they are computed: the smallest values of every path, smallest first, equal
/// ones by lower index; NaN counts as largest. Places beyond m get index -1 and value +infinity. Tiled: memory is bounded
/// whatever m and q.
struct ScreenPaths {
  PathModel paths;
  ConstMatrix candidates;            ///< m x d
  MatrixView<std::int32_t> indices;  ///< count x q, count <= kMostScreened
  Matrix values;                     ///< count x q
};
inline constexpr std::int64_t kMostScreened = 32;

// ---------------------------------------------------------------------------------------------------------- optimization

/// One step of the batched bounded L-BFGS for every problem still active: takes value and gradient at the points last asked for
/// and writes the next ones, T step lengths per problem. To begin: fill `state` with zeros, put every feasible starting point
/// T times into `queries`, 0, 1, ..., P - 1 into `indices` and T P into `active`, and evaluate. Problems that end are squeezed
/// out, the others keep their order. The results stand in `state`: the best point and its value where math::LbfgsLayout says.
/// Algorithm: src/math/lbfgs.hpp.
struct LbfgsStep {
  std::int64_t problems = 0;         ///< P
  std::int64_t dimensions = 0;       ///< D
  std::int64_t trials = 1;           ///< T, 1 to math::kLbfgsTrials
  ConstMatrix lower, upper;          ///< P x D bounds; lower == upper fixes a variable
  double gradient_tolerance = 1e-6;  ///< on the projected gradient's largest entry
  double value_tolerance = 1e-10;    ///< relative decrease of one iteration
  Matrix state;                      ///< lbfgs_state_size(D) x P, one column per problem
  Matrix queries;                    ///< T P x D: row T a + t is the t-th point wanted by problem indices[a]
  VectorView<std::int32_t> indices;  ///< P: the problems that are active, in rising order
  std::int32_t* active = nullptr;    ///< how many rows are in use; 0 when all have ended
  bool maximize = false;             ///< the values are to be made large; `state` then holds their negatives
  ConstVector value;                 ///< T P
  ConstMatrix gradient;              ///< T P x D
};

// ---------------------------------------------------------------------------------------------------------------- memory

/// What an algorithm may want to know about the engine it runs on, without knowing which it is.
struct Traits {
  int rounds_per_check = 1;      ///< how many rounds of an iteration to queue before asking whether it has ended
  std::int64_t free_rows = 1;    ///< how many queries of an acquisition take about as long as one
  std::size_t memory_limit = 0;  ///< bytes that one call may take for itself
};

/// Operations prepared by Backend::record.
class Round {
 public:
  virtual ~Round() = default;
  virtual void run(int times) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  [[nodiscard]] virtual std::string name() const = 0;  ///< "cpu", "cuda:0"
  [[nodiscard]] virtual Traits traits() const = 0;

  /// Uninitialized memory, aligned to 256 bytes. Throws resource_exhausted.
  [[nodiscard]] virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  virtual void upload(void* to, const void* from_host, std::size_t bytes) = 0;
  /// Waits for all earlier work.
  virtual void download(void* to_host, const void* from, std::size_t bytes) = 0;
  /// Copies within the backend; views of equal shape.
  virtual void copy(const ConstMatrix& from, const Matrix& to) = 0;
  virtual void fill(const Matrix& out, double value) = 0;
  virtual void synchronize() = 0;
  /// Prepares operations that are to run many times on the same arguments. `operations` may be called fewer times than they
  /// run: a device that can replays what they queued.
  [[nodiscard]] virtual std::unique_ptr<Round> record(std::function<void()> operations);

  virtual void run(const FillSobol&) = 0;
  virtual void run(const FillRandom&) = 0;
  virtual void run(const Gram&) = 0;
  virtual void run(const CrossGram&) = 0;
  virtual void run(const Likelihood&) = 0;
  virtual void run(const Cholesky&) = 0;
  virtual void run(const TriangularInverse&) = 0;
  virtual void run(const SolveLower&) = 0;
  virtual void run(const Multiply&) = 0;
  virtual void run(const Posterior&) = 0;
  virtual void run(const PosteriorExtend&) = 0;
  virtual void run(const Score&) = 0;
  virtual void run(const Acquisition&) = 0;
  virtual void run(const SelectTop&) = 0;
  virtual void run(const LbfgsStep&) = 0;
  virtual void run(const EvaluateFeatures&) = 0;
  virtual void run(const Paths&) = 0;
  virtual void run(const ScreenPaths&) = 0;
};

/// The CPU engine. `threads` = 0 takes the process's share of cores. Objects are cheap; threads are shared by all of them.
[[nodiscard]] std::shared_ptr<Backend> make_cpu_backend(int threads = 0);

}  // namespace warpbo::backend
