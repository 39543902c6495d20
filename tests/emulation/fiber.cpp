#include "emulation/fiber.hpp"

#include <boost/context/protected_fixedsize_stack.hpp>

#include <utility>

namespace warpbo::emulation {

namespace {

constexpr std::size_t kStackBytes = std::size_t{sanitizers::kActive ? 256 : 128} << 10;

constinit thread_local Fiber* leaving = nullptr;  // during a switch: the fiber that was left

}  // namespace

/// Allocates the stack and tells the fiber where it is. Stacks begin at different places of their pages, so that what is on top
/// of them does not compete for the same few lines of the cache.
class Fiber::Stack {
 public:
  explicit Stack(Fiber* fiber) : fiber_(fiber) {
    thread_local unsigned made = 0;
    shift_ = made++ % 16 * 256;
  }
  boost::context::stack_context allocate() {
    boost::context::stack_context stack = pages_.allocate();
    fiber_->stack_ = {static_cast<char*>(stack.sp) - stack.size, stack.size};
    stack.sp = static_cast<char*>(stack.sp) - shift_;
    stack.size -= shift_;
    return stack;
  }
  void deallocate(boost::context::stack_context& stack) noexcept {
    stack.sp = static_cast<char*>(stack.sp) + shift_;
    stack.size += shift_;
    sanitizers::unpoison(static_cast<char*>(stack.sp) - stack.size, stack.size);
    pages_.deallocate(stack);
  }

 private:
  Fiber* fiber_;
  std::size_t shift_;
  boost::context::protected_fixedsize_stack pages_{kStackBytes};
};

Fiber::Fiber() : shadow_(sanitizers::current_fiber()) {}

Fiber::Fiber(std::function<Fiber&()> body) : body_(std::move(body)), shadow_(sanitizers::make_fiber()) {
  continuation_ = boost::context::fiber(std::allocator_arg, Stack(this), [this](boost::context::fiber&&) {
    arrive(*this);
    Fiber& next = body_();
    begin_switch(next, true);
    return std::move(next.continuation_);
  });
}

Fiber::~Fiber() {
  if (body_) sanitizers::destroy_fiber(shadow_);
}

void Fiber::begin_switch(Fiber& to, bool for_good) {
  leaving = this;
  sanitizers::begin_switch(for_good ? nullptr : &fake_stack_, to.stack_);
  sanitizers::switch_fiber(to.shadow_);
}

void Fiber::arrive(Fiber& at) {
  // The bounds of the OS thread's own stack become known when it is left for the first time.
  const sanitizers::StackBounds left = sanitizers::end_switch(at.fake_stack_);
  if (left.bottom != nullptr) leaving->stack_ = left;
}

void Fiber::switch_to(Fiber& to) {
  begin_switch(to, false);
  boost::context::fiber next = std::move(to.continuation_);
  std::move(next).resume_with([this](boost::context::fiber&& self) {
    continuation_ = std::move(self);
    return boost::context::fiber();
  });
  arrive(*this);
}

}  // namespace warpbo::emulation
