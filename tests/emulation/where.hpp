/// Places in the source of a kernel.
#pragma once

#include <cuda_runtime.h>

#include <cstring>
#include <string>

namespace warpbo::emulation {

inline bool same(const Where& a, const Where& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

/// "gram.cu:45 in void gram_kernel(GramArgs)".
inline std::string name_of(const Where& where) {
  const std::string path = where.file_name();
  return path.substr(path.rfind('/') + 1) + ":" + std::to_string(where.line()) + " in " + where.function_name();
}

}  // namespace warpbo::emulation
