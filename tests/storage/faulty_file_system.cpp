#include "storage/faulty_file_system.hpp"

#include <cstring>
#include <new>

namespace warpbo::storage_test {

namespace {

struct Plan {
  int count = 0;
  int nth = 0;
  int code = SQLITE_OK;
  bool sticky = false;
};

Plan plan;
sqlite3_vfs* real_layer = nullptr;
sqlite3_vfs layer;

/// Our file in front; the real one lies behind it in the same memory.
struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* ours(sqlite3_file* file) { return reinterpret_cast<File*>(file); }

bool due() {
  ++plan.count;
  return plan.nth > 0 && (plan.sticky ? plan.count >= plan.nth : plan.count == plan.nth);
}

int close_file(sqlite3_file* file) { return ours(file)->real()->pMethods->xClose(ours(file)->real()); }
int read_file(sqlite3_file* file, void* out, int size, sqlite3_int64 at) {
  return ours(file)->real()->pMethods->xRead(ours(file)->real(), out, size, at);
}

int write_file(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  sqlite3_file* real = ours(file)->real();
  if (!due()) return real->pMethods->xWrite(real, bytes, size, at);
  real->pMethods->xWrite(real, bytes, size / 2, at);
  return plan.code;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return due() ? plan.code : ours(file)->real()->pMethods->xTruncate(ours(file)->real(), size);
}

int sync_file(sqlite3_file* file, int flags) {
  if (!due()) return ours(file)->real()->pMethods->xSync(ours(file)->real(), flags);
  return plan.code == SQLITE_FULL ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  return ours(file)->real()->pMethods->xFileSize(ours(file)->real(), size);
}
int lock_file(sqlite3_file* file, int level) { return ours(file)->real()->pMethods->xLock(ours(file)->real(), level); }
int unlock_file(sqlite3_file* file, int level) { return ours(file)->real()->pMethods->xUnlock(ours(file)->real(), level); }
int check_lock(sqlite3_file* file, int* out) {
  return ours(file)->real()->pMethods->xCheckReservedLock(ours(file)->real(), out);
}
int control_file(sqlite3_file* file, int op, void* argument) {
  return ours(file)->real()->pMethods->xFileControl(ours(file)->real(), op, argument);
}
int sector_size(sqlite3_file* file) { return ours(file)->real()->pMethods->xSectorSize(ours(file)->real()); }
int characteristics(sqlite3_file* file) { return ours(file)->real()->pMethods->xDeviceCharacteristics(ours(file)->real()); }
int map_memory(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return ours(file)->real()->pMethods->xShmMap(ours(file)->real(), page, size, extend, out);
}
int lock_memory(sqlite3_file* file, int offset, int count, int flags) {
  return ours(file)->real()->pMethods->xShmLock(ours(file)->real(), offset, count, flags);
}
void memory_barrier(sqlite3_file* file) { ours(file)->real()->pMethods->xShmBarrier(ours(file)->real()); }
int unmap_memory(sqlite3_file* file, int remove) { return ours(file)->real()->pMethods->xShmUnmap(ours(file)->real(), remove); }

const sqlite3_io_methods kMethods = {
    2,           close_file,     read_file,    write_file,   truncate_file, sync_file,       size_of_file,
    lock_file,   unlock_file,    check_lock,   control_file, sector_size,   characteristics, map_memory,
    lock_memory, memory_barrier, unmap_memory, nullptr,      nullptr};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  auto* mine = ours(file);
  mine->base.pMethods = nullptr;
  const int code = real_layer->xOpen(real_layer, name, mine->real(), flags, out);
  if (mine->real()->pMethods != nullptr) mine->base.pMethods = &kMethods;
  return code;
}

}  // namespace

FaultyFileSystem::FaultyFileSystem() {
  plan = {};
  real_layer = sqlite3_vfs_find(nullptr);
  layer = *real_layer;
  layer.pNext = nullptr;
  layer.zName = "faulty";
  layer.szOsFile = static_cast<int>(sizeof(File)) + real_layer->szOsFile;
  layer.xOpen = open_file;
  sqlite3_vfs_register(&layer, 1);
}

FaultyFileSystem::~FaultyFileSystem() {
  sqlite3_vfs_unregister(&layer);
  sqlite3_vfs_register(real_layer, 1);
}

void FaultyFileSystem::fail(int nth, int code, bool sticky) { plan = {0, nth, code, sticky}; }
void FaultyFileSystem::heal() { plan = {}; }
int FaultyFileSystem::operations() const { return plan.count; }

}  // namespace warpbo::storage_test
