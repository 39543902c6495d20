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
]
