/// How hot loops become vector code.
///
/// WARPBO_VECTORIZED marks a function that is compiled for several instruction sets, of which the best that the machine has is
/// chosen when the program starts. The files that use it are compiled with the flags of kVectorFlags in CMakeLists.txt.
/// Sanitizers run before such a choice can be made, so under them there is one version.
#pragma once

#include "backend/cpu/scratch.hpp"

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WARPBO_VECTORIZED [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define WARPBO_VECTORIZED
#endif

namespace warpbo::backend::cpu {

/// Eight doubles on which + - * work element by element: one AVX-512 register, two of AVX2, four of SSE2.
typedef double Lanes __attribute__((vector_size(kLanes * sizeof(double)), aligned(sizeof(double)), may_alias));
/// The same for eight 64-bit masks.
typedef long long LaneMask __attribute__((vector_size(kLanes * sizeof(double)), aligned(sizeof(double)), may_alias));

}  // namespace warpbo::backend::cpu
