"""The bugs that planted_bugs.py plants."""

from typing import NamedTuple


class Bug(NamedTuple):
    name: str
    kind: str
    file: str  # from the root of the project
    find: str
    replace: str
    filter: str  # of GoogleTest: the tests that are expected to notice
    unit: str = ""  # where `file` is a header: the source file to compile with it
    count: int = 1  # how often `find` occurs


BUGS = [
    Bug("gram_no_tail_guard", "missing tail guard", "kernels/gram.cu",
        "if (i < j || i >= out.rows || j >= out.columns) continue;", "if (i < j || j >= out.columns) continue;", "*GramTest*"),
    Bug("gram_upper_triangle", "wrong fill mode", "kernels/gram.cu",
        "if (i < j || i >= out.rows || j >= out.columns) continue;", "if (i >= out.rows || j >= out.columns) continue;", "*GramTest*"),
    Bug("gram_leading_dimension", "wrong leading dimension", "kernels/gram.cu",
        "out.data[i + j * out.leading] = value;", "out.data[i + j * out.rows] = value;", "*GramTest*"),
    Bug("pairs_stale_shared_memory", "stale shared memory", "kernels/covariance.cuh",
        "    tiles.rows[chunk][offset] = k < covariance.columns && i < left.rows ? scale * left.data[i + k * left.leading] : 0.0;",
        "    if (k < covariance.columns && i < left.rows) tiles.rows[chunk][offset] = scale * left.data[i + k * left.leading];",
        "*GramTest*", "kernels/gram.cu"),
    Bug("pairs_no_barrier", "barrier removed", "kernels/covariance.cuh",
        """: -1.0;
  }
  __syncthreads();
""", """: -1.0;
  }
""", "*GramTest*", "kernels/gram.cu"),
    Bug("factor_no_barrier", "barrier removed", "kernels/block_triangle.cuh",
        "    __syncthreads();\n    if (bad != 0) return first + bad;", "    if (bad != 0) return first + bad;",
        "*Cholesky*", "kernels/factor_lower.cu"),
    Bug("factor_off_by_one_tile", "off-by-one tile", "kernels/block_triangle.cuh",
        "const int next = first + kStep, side = (n - next + 3) / 4;", "const int next = first + kStep + 1, side = (n - next + 3) / 4;",
        "*Cholesky*", "kernels/factor_lower.cu"),
    Bug("factor_ignored_info", "ignored info", "kernels/factor_lower.cu",
        "return bad != 0 && bad <= row;", "return bad == -row;", "*Cholesky*"),
    Bug("block_sum_race", "race in a reduction", "kernels/reduce.cuh",
        """  if (lane() == 0) partial.value[warp()] = value;
  __syncthreads();
  value = warp_sum(""", """  if (lane() == 0) partial.value[warp()] = value;
  value = warp_sum(""", "*Likelihood*", "kernels/likelihood.cu"),
    Bug("lbfgs_compaction_race", "race between warps", "kernels/lbfgs_step.cu",
        """  if (threadIdx.x == 0) set_active(step, kept);
  __syncthreads();
  if (row < kept)""", """  if (threadIdx.x == 0) set_active(step, kept);
  if (row < kept)""", "*Lbfgs*"),
    Bug("paths_leading_dimension", "wrong leading dimension", "kernels/paths.cu",
        "args.updates.data + path * args.updates.leading;", "args.updates.data + path * args.points.rows;", "*Path*"),
    Bug("screen_lists_race", "race between warps", "kernels/screen_paths.cu",
        """      indices[p] = index < kNobody ? static_cast<std::int32_t>(index) : -1;
    }
    __syncthreads();
""", """      indices[p] = index < kNobody ? static_cast<std::int32_t>(index) : -1;
    }
""", "*Path*"),
]
