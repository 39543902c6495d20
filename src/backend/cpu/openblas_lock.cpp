// Makes concurrent calls of a single-threaded OpenBLAS safe.
//
// OpenBLAS hands each call a work buffer from one table. Debian builds the serial variant without USE_LOCKING, so two threads that call at
// once can be given the same buffer, and one of them gets wrong numbers, silently (measured with 0.3.21: about one dtrsm in a
// thousand from six threads). The linker option --wrap sends OpenBLAS's own calls of its allocator here. CMake adds this file and the
// option when the static library is used; the table is short, so the lock is held for some ten nanoseconds.
#include <mutex>

extern "C" {
// The names are the linker's.
// NOLINTBEGIN
void* __real_blas_memory_alloc(int procpos);
void __real_blas_memory_free(void* buffer);
void* __wrap_blas_memory_alloc(int procpos);
void __wrap_blas_memory_free(void* buffer);
// NOLINTEND
}

namespace {

std::mutex& table_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

void* __wrap_blas_memory_alloc(int procpos) {
  const std::lock_guard lock(table_mutex());
  return __real_blas_memory_alloc(procpos);
}

void __wrap_blas_memory_free(void* buffer) {
  const std::lock_guard lock(table_mutex());
  __real_blas_memory_free(buffer);
}
