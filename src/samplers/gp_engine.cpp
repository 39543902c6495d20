#include "samplers/gp_engine.hpp"

#include <warpbo/error.hpp>

#include <new>

namespace warpbo::samplers {

namespace {

constexpr const char* kThisAsk = "; this ask ran on the CPU";

}  // namespace

void GpEngine::reset(MakeModel make_model) {
  const auto lock = take_turn();
  make_model_ = std::move(make_model);
  model_.reset();
  searches_ = {};
}

void GpEngine::set_searches(const GpModel::Searches& searches) {
  searches_ = searches;
  if (model_) model_->set_searches(searches);
}

void GpEngine::release() {
  const auto lock = take_turn();
  model_.reset();
}

/// The lock of a backend that several engines share; empty where there is none.
std::unique_lock<std::mutex> GpEngine::take_turn() const {
  return turn_ ? std::unique_lock(*turn_) : std::unique_lock<std::mutex>();
}

std::optional<SuggestResult> GpEngine::run(const Ask& ask, std::vector<std::string>& degraded) {
  if (!backend_) open(degraded);
  if (!cpu_only_ && backend_) {
    const auto turn = turn_;  // outlives the lock, whatever the ask drops
    const auto lock = take_turn();
    if (std::optional<SuggestResult> result = on_device(ask, degraded)) return result;
  }
  if (!backend_) use(backend::make_cpu_backend());
  const auto turn = turn_;
  const auto lock = take_turn();
  std::optional<SuggestResult> result = on_cpu(ask, degraded);
  if (!cpu_only_) drop();
  return result;
}

/// Leaves `backend_` empty when the device, which worked before, cannot be opened now.
void GpEngine::open(std::vector<std::string>& degraded) {
  if (opened_ && cpu_only_) return;
  try {
    backend::Opened opened = open_(device_);
    const bool cpu = opened.backend->name() == "cpu";
    if (cpu && opened_) {
      degraded.push_back("the GPU (" + name_ + ") could not be opened again: " + opened.notice + kThisAsk);
      return;
    }
    if (!opened_) notice_ = opened.notice;
    name_ = opened.backend->name();
    cpu_only_ = cpu;
    opened_ = true;
    use(std::move(opened.backend), std::move(opened.turn));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::resource_exhausted) {
      cpu_only_ = false;
      degraded.push_back(std::string("the GPU is out of memory (") + error.what() + ")" + kThisAsk);
    } else if (opened_) {
      degraded.push_back(lose(error.what()));
    } else {
      throw;
    }
  }
}

/// There is no model when this is called: it would be one of another backend.
void GpEngine::use(std::shared_ptr<backend::Backend> backend, std::shared_ptr<std::mutex> turn) {
  model_.reset();
  backend_ = std::move(backend);
  turn_ = std::move(turn);
}

void GpEngine::drop() {
  model_.reset();
  backend_.reset();
}

std::string GpEngine::lose(const std::string& why) {
  cpu_only_ = true;
  return "the GPU (" + name_ + ") is lost (" + why + "); this ask and all later ones of this process run on the CPU";
}

std::optional<SuggestResult> GpEngine::on_device(const Ask& ask, std::vector<std::string>& degraded) {
  std::string failure;
  try {
    if (!model_) model_.emplace(make_model_(backend_, searches_));
    if (std::optional<SuggestResult> result = ask(*model_)) {
      searches_ = model_->searches();
      return result;
    }
    failure = "the GPU (" + name_ + ") gave no usable model (" + std::to_string(model_->failures()) +
              " failed factorizations)" + kThisAsk;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::unavailable)
      failure = lose(error.what());
    else if (error.code() == ErrorCode::resource_exhausted)
      failure = "the GPU (" + name_ + ") is out of memory (" + error.what() + ")" + kThisAsk;
    else
      failure = "the GPU (" + name_ + ") failed (" + error.what() + ")" + kThisAsk;
  } catch (const std::bad_alloc&) {
    failure = std::string("the host is out of memory for what the GPU needs") + kThisAsk;
  }
  drop();
  degraded.push_back(std::move(failure));
  return std::nullopt;
}

std::optional<SuggestResult> GpEngine::on_cpu(const Ask& ask, std::vector<std::string>& degraded) {
  try {
    if (!model_) {
      model_.emplace(make_model_(backend_, searches_));
      model_->set_last_resort();
    }
    std::optional<SuggestResult> result = ask(*model_);
    searches_ = model_->searches();
    return result;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::resource_exhausted) throw;
    degraded.emplace_back(error.what());
  } catch (const std::bad_alloc&) {
    degraded.emplace_back("out of memory");
  }
  drop();
  return std::nullopt;
}

}  // namespace warpbo::samplers
