/// What the sanitizers must be told about stacks and about memory that they did not hand out. Nothing without sanitizers.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace warpbo::emulation::sanitizers {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kActive = true;
#else
inline constexpr bool kActive = false;
#endif

struct StackBounds {
  const void* bottom = nullptr;
  std::size_t size = 0;
};

#if defined(__SANITIZE_ADDRESS__)
/// Before a switch. `fake_stack` null: the stack being left will not be used again.
inline void begin_switch(void** fake_stack, const StackBounds& to) {
  __sanitizer_start_switch_fiber(fake_stack, to.bottom, to.size);
}
/// After a switch, on the new stack; returns the bounds of the one that was left.
inline StackBounds end_switch(void* fake_stack) {
  StackBounds left;
  __sanitizer_finish_switch_fiber(fake_stack, &left.bottom, &left.size);
  return left;
}
inline void poison(const void* memory, std::size_t bytes) { __asan_poison_memory_region(memory, bytes); }
inline void unpoison(const void* memory, std::size_t bytes) { __asan_unpoison_memory_region(memory, bytes); }
#else
inline void begin_switch(void**, const StackBounds&) {}
inline StackBounds end_switch(void*) { return {}; }
inline void poison(const void*, std::size_t) {}
inline void unpoison(const void*, std::size_t) {}
#endif

#if defined(__SANITIZE_THREAD__)
inline void* current_fiber() { return __tsan_get_current_fiber(); }
inline void* make_fiber() { return __tsan_create_fiber(0); }
inline void destroy_fiber(void* fiber) { __tsan_destroy_fiber(fiber); }
inline void switch_fiber(void* fiber) { __tsan_switch_to_fiber(fiber, 0); }
#else
inline void* current_fiber() { return nullptr; }
inline void* make_fiber() { return nullptr; }
inline void destroy_fiber(void*) {}
inline void switch_fiber(void*) {}
#endif

}  // namespace warpbo::emulation::sanitizers
