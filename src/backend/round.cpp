#include "backend/backend.hpp"

#include <utility>

namespace warpbo::backend {

namespace {

class PlainRound final : public Round {
 public:
  explicit PlainRound(std::function<void()> operations) : operations_(std::move(operations)) {}
  void run(int times) override {
    for (int i = 0; i < times; ++i) operations_();
  }

 private:
  std::function<void()> operations_;
};

}  // namespace

std::unique_ptr<Round> Backend::record(std::function<void()> operations) {
  return std::make_unique<PlainRound>(std::move(operations));
}

}  // namespace warpbo::backend
