/// Owners of a backend's memory: typed buffers that live long, and an arena for temporaries.
#pragma once

#include "backend/backend.hpp"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace warpbo::backend {

/// A typed, move-only owner. Grows by `reserve`; contents are kept only where that says so.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::shared_ptr<Backend> backend, std::int64_t size) : backend_(std::move(backend)), size_(size) {
    if (size > 0) data_ = static_cast<T*>(backend_->allocate(static_cast<std::size_t>(size) * sizeof(T)));
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer(std::move(other)).swap(*this);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) backend_->release(data_);
  }
  void swap(Buffer& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  [[nodiscard]] T* data() const noexcept { return data_; }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] VectorView<T> view() const noexcept { return {data_, size_}; }
  [[nodiscard]] MatrixView<T> matrix(std::int64_t rows, std::int64_t columns) const noexcept {
    return {data_, rows, columns, rows, 1, 0};
  }

  void upload(std::span<const T> from) const { backend_->upload(data_, from.data(), from.size_bytes()); }
  void download(std::span<T> to) const { backend_->download(to.data(), data_, to.size_bytes()); }

 private:
  std::shared_ptr<Backend> backend_;
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

/// Temporaries in stack order. Memory is taken in growing blocks that are kept for the next use, so a loop that opens a scope
/// per round allocates only in its first round.
class Arena {
 public:
  explicit Arena(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (const Block& block : blocks_) backend_->release(block.data);
  }

  /// Gives back, when it ends, everything that was taken since it began.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), block_(arena.block_), used_(arena.used_), total_(arena.total_) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
      arena_.block_ = block_;
      arena_.used_ = used_;
      arena_.total_ = total_;
    }

   private:
    Arena& arena_;
    std::size_t block_, used_, total_;
  };

  template <class T>
  [[nodiscard]] VectorView<T> vector(std::int64_t size) {
    return {static_cast<T*>(take(static_cast<std::size_t>(size) * sizeof(T))), size};
  }
  [[nodiscard]] Matrix matrix(std::int64_t rows, std::int64_t columns, std::int64_t batch = 1) {
    auto* data = static_cast<double*>(take(static_cast<std::size_t>(rows * columns * batch) * sizeof(double)));
    return {data, rows, columns, rows, batch, batch > 1 ? rows * columns : 0};
  }

  [[nodiscard]] Backend& backend() const noexcept { return *backend_; }
  [[nodiscard]] const std::shared_ptr<Backend>& shared_backend() const noexcept { return backend_; }
  /// Bytes of the blocks it holds.
  [[nodiscard]] std::size_t reserved() const noexcept {
    std::size_t bytes = 0;
    for (const Block& block : blocks_) bytes += block.size;
    return bytes;
  }
  /// The most bytes that were in use at one time.
  [[nodiscard]] std::size_t high_water() const noexcept { return high_water_; }

 private:
  struct Block {
    void* data = nullptr;
    std::size_t size = 0;
  };
  void* take(std::size_t bytes);

  std::shared_ptr<Backend> backend_;
  std::vector<Block> blocks_;
  std::size_t block_ = 0;  // index of the block in use
  std::size_t used_ = 0;   // bytes taken from it
  std::size_t total_ = 0;
  std::size_t high_water_ = 0;
};

}  // namespace warpbo::backend
