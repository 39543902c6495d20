/// The words that CUDA adds to C++. `__shared__` is missing on purpose: shared memory comes from kernels/shared.cuh.
#pragma once

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__

#define CUDART_VERSION 13000
