/// The objects behind the runtime's handles: known one by one, so that destroying one twice is reported and leaks can be
/// counted.
#pragma once

#include "emulation/emulation.hpp"

#include <memory>
#include <mutex>
#include <unordered_map>

namespace warpbo::emulation {

template <class T>
class Handles {
 public:
  static Handles& get() {
    static Handles* const only = new Handles;
    return *only;
  }
  T* add(std::unique_ptr<T> object) {
    const std::lock_guard lock(mutex_);
    T* const handle = object.get();
    objects_.emplace(handle, std::move(object));
    return handle;
  }
  /// Throws Error if there is no such object.
  std::unique_ptr<T> remove(T* handle, const char* what) {
    const std::lock_guard lock(mutex_);
    const auto at = objects_.find(handle);
    if (at == objects_.end()) throw Error(std::string(what) + " of something that does not exist, or was destroyed before");
    std::unique_ptr<T> object = std::move(at->second);
    objects_.erase(at);
    return object;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    objects_.clear();
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return objects_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<T*, std::unique_ptr<T>> objects_;
};

}  // namespace warpbo::emulation
