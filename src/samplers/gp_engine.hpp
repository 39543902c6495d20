/// Where the Gaussian-process strategy computes, and what becomes of an ask when the device fails.
///
/// An ask never dies for reasons of the device. It is done again on the CPU, from the hyperparameter searches that were known
/// before it began, so that what the device had done leaves no trace in the answer:
///   out of memory   everything the strategy holds on the device is released; the next ask tries the device again;
///   lost            the device is not touched again, not even by a later ask; releasing a lost backend's memory is a no-op;
///   wrong numbers   as out of memory.
#pragma once

#include "samplers/builtin.hpp"
#include "samplers/gp_model.hpp"

#include <warpbo/device.hpp>
#include <warpbo/sampler.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace warpbo::samplers {

class GpEngine {
 public:
  using MakeModel = std::function<GpModel(std::shared_ptr<backend::Backend>, const GpModel::Searches&)>;
  /// Answers a request by a model; nothing when the model's numbers are unusable. `model.last_resort()` tells whether there is
  /// another place to try.
  using Ask = std::function<std::optional<SuggestResult>(GpModel&)>;

  GpEngine(const Device& device, BackendOpener open) : device_(device), open_(std::move(open)) {}
  GpEngine(const GpEngine&) = delete;
  GpEngine& operator=(const GpEngine&) = delete;
  ~GpEngine() { release(); }

  /// Begins anew for another space. The device stays as it is.
  void reset(MakeModel make_model);

  /// Runs an ask on the device, or on the CPU where that fails; nothing when both did. What was given up is appended to
  /// `degraded`. Throws what opening the device throws the first time: there is no device of that name.
  [[nodiscard]] std::optional<SuggestResult> run(const Ask& ask, std::vector<std::string>& degraded);

  /// The hyperparameter searches that the next ask goes on from.
  [[nodiscard]] const GpModel::Searches& searches() const noexcept { return searches_; }
  void set_searches(const GpModel::Searches& searches);

  /// What the model holds in the backend's memory.
  [[nodiscard]] std::size_t bytes() const noexcept { return model_ ? model_->bytes() : 0; }
  /// Gives it back. The next ask builds the factor anew, from the same hyperparameters.
  void release();

  /// Why device `auto` came out as the CPU; empty if it did not.
  [[nodiscard]] const std::string& notice() const noexcept { return notice_; }

 private:
  void open(std::vector<std::string>& degraded);
  void use(std::shared_ptr<backend::Backend> backend, std::shared_ptr<std::mutex> turn = nullptr);
  [[nodiscard]] std::unique_lock<std::mutex> take_turn() const;
  void drop();
  std::optional<SuggestResult> on_device(const Ask& ask, std::vector<std::string>& degraded);
  std::optional<SuggestResult> on_cpu(const Ask& ask, std::vector<std::string>& degraded);
  std::string lose(const std::string& why);

  Device device_;
  BackendOpener open_;
  MakeModel make_model_;
  GpModel::Searches searches_;                 // after the last ask that succeeded
  std::shared_ptr<std::mutex> turn_;           // of the backend; null: nobody else uses it
  std::shared_ptr<backend::Backend> backend_;  // null before the first ask, and after one that failed
  std::optional<GpModel> model_;
  std::string name_;      // of the device
  std::string notice_;    // of its first opening
  bool cpu_only_ = true;  // the user's choice, or the device is lost
  bool opened_ = false;   // at least once
};

}  // namespace warpbo::samplers
