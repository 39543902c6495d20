/// Stacks that one OS thread changes between.
#pragma once

#include "emulation/sanitizers.hpp"

#include <boost/context/fiber.hpp>

#include <functional>

namespace warpbo::emulation {

class Fiber {
 public:
  /// The stack on which the OS thread runs anyway.
  Fiber();
  /// A stack of its own, with a guard page below. `body` starts at the first switch and returns the fiber that goes on when it
  /// has ended. No exception may leave it.
  explicit Fiber(std::function<Fiber&()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Called on this fiber: continues `to`, and returns when another fiber switches back.
  void switch_to(Fiber& to);

 private:
  class Stack;
  static void arrive(Fiber& at);
  void begin_switch(Fiber& to, bool for_good);

  boost::context::fiber continuation_;  // empty while it runs
  std::function<Fiber&()> body_;
  sanitizers::StackBounds stack_;
  void* fake_stack_ = nullptr;  // AddressSanitizer's
  void* shadow_ = nullptr;      // ThreadSanitizer's
};

}  // namespace warpbo::emulation
