/// Marks what the shared library exports; everything else stays hidden.
#pragma once

#define WARPBO_EXPORT __attribute__((visibility("default")))
