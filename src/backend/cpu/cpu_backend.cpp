#include "backend/cpu/cpu_backend.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace warpbo::backend {

std::shared_ptr<Backend> make_cpu_backend(int threads) { return std::make_shared<CpuBackend>(threads); }

Traits CpuBackend::traits() const {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  const std::size_t physical = pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page) : 0;
  // Half of the machine: the other half is the host program's.
  return {.rounds_per_check = 1, .memory_limit = physical / 2};
}

void* CpuBackend::allocate(std::size_t bytes) { return cpu::allocate_aligned(bytes); }

void CpuBackend::release(void* memory) noexcept { std::free(memory); }

void CpuBackend::upload(void* to, const void* from_host, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from_host, bytes);
}

void CpuBackend::download(void* to_host, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to_host, from, bytes);
}

void CpuBackend::copy(const ConstMatrix& from, const Matrix& to) {
  if (to.empty()) return;
  for (std::int64_t p = 0; p < to.batch; ++p) {
    const ConstMatrix source = from.member(p);
    const Matrix target = to.member(p);
    for (std::int64_t j = 0; j < to.columns; ++j)
      std::memmove(target.data + j * to.leading, source.data + j * from.leading,
                   static_cast<std::size_t>(to.rows) * sizeof(double));
  }
}

void CpuBackend::fill(const Matrix& out, double value) {
  if (out.empty()) return;
  for (std::int64_t p = 0; p < out.batch; ++p) {
    const Matrix member = out.member(p);
    for (std::int64_t j = 0; j < out.columns; ++j) std::fill_n(member.data + j * out.leading, out.rows, value);
  }
}

}  // namespace warpbo::backend
