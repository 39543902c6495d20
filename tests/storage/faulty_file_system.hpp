/// A layer between SQLite and the real file system that fails on demand: the k-th write, sync or truncation, once or from then
/// on.
#pragma once

#include <sqlite3.h>

#include <string>

namespace warpbo::storage_test {

/// Installed as SQLite's default layer while it lives. One at a time; not for use by several threads.
class FaultyFileSystem {
 public:
  FaultyFileSystem();
  ~FaultyFileSystem();
  FaultyFileSystem(const FaultyFileSystem&) = delete;
  FaultyFileSystem& operator=(const FaultyFileSystem&) = delete;

  /// From now on, operation number `nth` (from 1) gives `code`; all after it as well if `sticky`. A failing write has written
  /// half.
  void fail(int nth, int code, bool sticky);
  void heal();
  /// Operations since the last `fail` or `heal`.
  [[nodiscard]] int operations() const;
};

}  // namespace warpbo::storage_test
