#include "emulation/block_memory.hpp"

#include "emulation/emulation.hpp"
#include "emulation/where.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace warpbo::emulation {

namespace {
constexpr int kPoison = 0xff;  // a NaN in every floating-point format, an index out of range as an integer
}

void BlockMemory::begin_launch(std::size_t dynamic_bytes, bool opted_in) {
  ++launch_;
  static_bytes_ = 0;
  dynamic_bytes_ = dynamic_bytes;
  opted_in_ = opted_in;
  dynamic_.reset(dynamic_bytes == 0 ? nullptr : new double[(dynamic_bytes + sizeof(double) - 1) / sizeof(double)]);
}

void BlockMemory::begin_block() {
  ++block_;
  if (dynamic_) std::memset(dynamic_.get(), kPoison, dynamic_bytes_);
}

void* BlockMemory::object(const void* key, std::size_t bytes, const Where& where) {
  auto at = std::find_if(objects_.begin(), objects_.end(), [&](const Object& object) { return object.key == key; });
  if (at == objects_.end()) {
    objects_.push_back({key, bytes, std::unique_ptr<std::byte[]>(new std::byte[bytes]), 0, 0});
    at = objects_.end() - 1;
  }
  if (at->launch != launch_) {
    take_static(bytes, where);
    at->launch = launch_;
  }
  if (at->block != block_) {
    std::memset(at->memory.get(), kPoison, bytes);
    at->block = block_;
  }
  return at->memory.get();
}

void BlockMemory::take_static(std::size_t bytes, const Where& where) {
  static_bytes_ += bytes;
  const std::size_t limit = opted_in_ ? kSharedBytesOptin : kSharedBytes;
  if (static_bytes_ > kSharedBytes || static_bytes_ + dynamic_bytes_ > limit)
    throw Error("shared memory at " + name_of(where) + ": " + std::to_string(static_bytes_) + " bytes static and " +
                std::to_string(dynamic_bytes_) + " bytes dynamic; a block can have " + std::to_string(kSharedBytes) +
                " static and " + std::to_string(limit) + " in all");
}

}  // namespace warpbo::emulation
