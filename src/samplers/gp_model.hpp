/// Fits the process of a study on a schedule, so that an ask costs little and any process arrives at the same model.
#pragma once

#include "gp/fit.hpp"
#include "samplers/gp_observations.hpp"
#include "samplers/gp_recipe.hpp"
#include "space/encoder.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace warpbo::samplers {

/// Hyperparameters are searched thoroughly (cold) only at anchors: when the data has grown by a fixed factor. In between, the
/// search begins at the anchor's result and takes a few rounds, at every ask of a small study and on a schedule in a larger
/// one, where new observations otherwise extend the factor. All of it depends on the data alone: a process that continues a
/// study repeats the last searches and is where the others are (to rounding errors, once factors are extended).
class GpModel {
 private:
  struct Anchor {
    std::uint64_t data = 0;  // identifies the observations it was fitted to
    gp::Theta theta;
  };

 public:
  /// The last searches, as host data: a model on another device can go on from them.
  struct Searches {
    std::optional<Anchor> anchor;   // cold
    std::optional<Anchor> refined;  // warm
  };

  GpModel(std::shared_ptr<backend::Backend> backend, const space::Encoder& encoder, Noise noise, const GpRecipe& recipe,
          std::uint64_t seed, Searches searches = {});

  /// There is no other device to try: make the best of what there is.
  void set_last_resort() noexcept { last_resort_ = true; }
  [[nodiscard]] bool last_resort() const noexcept { return last_resort_; }
  [[nodiscard]] const Searches& searches() const noexcept { return searches_; }
  /// How many factorizations failed so far.
  [[nodiscard]] std::int64_t failures() const noexcept { return regression_.failures(); }

  /// A factorized process for these observations (at least one success). What had to be given up is appended to `degraded`.
  /// Null when the numbers are unusable; as a last resort, only when not even the prior's hyperparameters give a factor.
  const gp::Regression* update(const Observations& observations, std::vector<std::string>& degraded);

  /// Warped, standardized targets of the last update, in the order of its points.
  [[nodiscard]] const std::vector<double>& targets() const noexcept { return targets_; }
  /// The points of the last update (fewer than given when there were too many).
  [[nodiscard]] const Observations& observations() const noexcept { return used_; }
  [[nodiscard]] std::optional<double> leave_one_out_r2() const;

 private:
  [[nodiscard]] gp::FitReport search(const Observations& data, const std::vector<double>& targets,
                                     const gp::FitOptions& options);
  [[nodiscard]] gp::FitReport cold_fit(const Observations& data);
  /// Empty when a search could not evaluate a single point and there is another device to try.
  [[nodiscard]] gp::Theta hyperparameters();
  [[nodiscard]] bool factorize(const gp::Theta& theta);
  [[nodiscard]] bool extends_factored(const gp::Theta& theta) const;

  std::shared_ptr<backend::Backend> backend_;
  GpRecipe recipe_;
  gp::Settings settings_;
  std::uint64_t seed_;
  std::int64_t dimensions_;
  gp::Regression regression_;
  Observations used_;
  std::vector<double> targets_;
  Searches searches_;
  bool last_resort_ = false;
  Observations factored_;  // what regression_ holds a factor of; empty when it holds none
};

}  // namespace warpbo::samplers
