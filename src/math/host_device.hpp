/// The mark of a function that runs on the host and on a CUDA device.
#pragma once

#if defined(__CUDACC__)
#define WARPBO_HD __host__ __device__
#else
#define WARPBO_HD
#endif
