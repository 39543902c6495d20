/// Stands in for CUDA's header of the same name, so that kernels and the host code around them compile as ordinary C++ and run
/// on the CPU. It offers what warpbo uses and no more: what is missing does not compile.
#pragma once

#include "emulated/device_functions.h"
#include "emulated/error_codes.h"
#include "emulated/qualifiers.h"
#include "emulated/runtime_api.h"
#include "emulated/vector_types.h"

#include <math.h>  // the functions of <cmath>, by their global names too
