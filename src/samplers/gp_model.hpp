/// Fits the process of a study on a schedule, so that an ask costs little and any process arrives at the same model.
#pragma once

#include "base/deadline.hpp"
#include "gp/fit.hpp"
#include "samplers/gp_observations.hpp"
#include "samplers/gp_plan.hpp"
#include "samplers/gp_recipe.hpp"
#include "space/encoder.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace warpbo::samplers {

/// The hyperparameters come from the searches of a GpPlan, made here where nobody made them before; the factor is extended
/// where they stay.
class GpModel {
 public:
  /// The last searches, as host data: a model on another device can go on from them.
  using Searches = GpPlan::Searches;

  GpModel(std::shared_ptr<backend::Backend> backend, const space::Encoder& encoder, Noise noise, const GpRecipe& recipe,
          std::uint64_t seed, Searches searches = {});

  /// There is no other device to try: make the best of what there is.
  void set_last_resort() noexcept { last_resort_ = true; }
  [[nodiscard]] bool last_resort() const noexcept { return last_resort_; }
  [[nodiscard]] const Searches& searches() const noexcept { return searches_; }
  void set_searches(const Searches& searches) { searches_ = searches; }
  /// What it holds in the backend's memory.
  [[nodiscard]] std::size_t bytes() const noexcept { return regression_.bytes(); }
  /// How many factorizations failed so far.
  [[nodiscard]] std::int64_t failures() const noexcept { return regression_.failures(); }

  /// A factorized process for these observations (at least one success), within the memory of the backend and, if `deadline` is
  /// limited, about half of the time that is left: a search ends early with its best so far, and where the factor of all
  /// observations would take too long or too much, the model gets the best and the latest ones. What had to be given up is
  /// appended to `degraded`. Null when the numbers are unusable; as a last resort, only when not even the prior's
  /// hyperparameters give a factor.
  const gp::Regression* update(const Observations& observations, std::vector<std::string>& degraded,
                               const Deadline& deadline = {});

  /// Warped, standardized targets of the last update, in the order of its points.
  [[nodiscard]] const std::vector<double>& targets() const noexcept { return targets_; }
  /// The points of the last update (fewer than given when there were too many).
  [[nodiscard]] const Observations& observations() const noexcept { return used_; }
  [[nodiscard]] std::optional<double> leave_one_out_r2() const;

 private:
  /// No theta when a search could not evaluate a single point and there is another device to try.
  [[nodiscard]] GpPlan::Found hyperparameters(const Deadline& deadline, std::vector<std::string>& degraded);
  void choose_observations(const Observations& all, const Deadline& deadline, std::vector<std::string>& degraded);
  [[nodiscard]] bool factorize_anew(const gp::Theta& theta);
  [[nodiscard]] bool factorize(const gp::Theta& theta);
  [[nodiscard]] bool extends_factored(const gp::Theta& theta) const;

  std::shared_ptr<backend::Backend> backend_;
  GpRecipe recipe_;
  GpPlan plan_;
  std::int64_t dimensions_;
  gp::Regression regression_;
  Observations used_;
  std::vector<double> targets_;
  Searches searches_;
  bool last_resort_ = false;
  double seconds_per_cube_ = 1.5e-11;  // of a factorization, over n^3; at first that of two cores
  Observations factored_;              // what regression_ holds a factor of; empty when it holds none
};

}  // namespace warpbo::samplers
