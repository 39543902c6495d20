"""The rules of the house, read from the sources: which file may include which, and who alone may name what.

    house_rules.py ROOT      prints every violation under ROOT and fails if there is one

A file includes only files of a lower rank or of its own room. A room is one row of the table below: a folder of src/ with the public
headers that belong to it.
"""

import pathlib
import re
import sys

# room: (rank, public headers of include/warpbo that belong to it)
ROOMS = {
    "base": (0, {"error", "device", "export", "version"}),
    "math": (1, set()),
    "backend": (2, set()),
    "optimize": (3, set()),
    "gp": (4, {"gaussian_process"}),
    "acquisition": (5, set()),
    "space": (6, {"space", "trial"}),
    "samplers": (7, {"sampler"}),
    "storage": (8, {"storage"}),
    "study": (9, {"study", "fleet"}),
    "cli": (10, set()),
    "report": (10, set()),
    "capi": (10, set()),
    "python": (10, set()),
    "umbrella": (10, {"warpbo"}),
}
FACES = {"cli", "report", "capi", "python"}
HEADER_ROOM = {header: room for room, (_, headers) in ROOMS.items() for header in headers}

# Arithmetic that also compiles for a device: no containers, no exceptions, no streams.
MATH_MAY_INCLUDE = {"algorithm", "array", "bit", "cfloat", "climits", "cmath", "concepts", "cstddef", "cstdint", "cstring", "limits",
                    "numbers", "span", "tuple", "type_traits", "utility"}

# What else stands outside the standard library: the files (by pattern) that alone may include it.
THIRD_PARTY = [
    (r"sqlite3", r"src/storage/.*"),
    (r"nlohmann/", r"(src|python)/.*\.cpp"),
    (r"(CLI/|CLI11)", r"src/cli/.*\.cpp"),
    (r"toml", r"src/cli/.*\.cpp"),
    (r"(cblas|lapack|openblas|f77blas)", r"src/backend/cpu/dense\.cpp"),
    (r"(cublas|cusolver)", r"src/backend/cuda/dense\.cpp"),
    (r"(thrust/|cub/)", r"(src/backend/cuda|kernels)/.*"),
    (r"(cuda|nvrtc|nvml|device_launch|cooperative_groups)", r"(src/backend/cuda|kernels)/.*"),
    (r"(pybind11|nanobind|Python\.h)", r"python/.*"),
]

# Names that only one file may speak, whether or not it includes a header for them.
BLAS_NAME = re.compile(r"\b(cblas_[a-z]\w*|LAPACKE_\w+|openblas_\w+|[sdcz](?:gemm|gemv|syrk|syr2k|trsm|trmm|trsv|trmv|symm|symv|ger|axpy|dot|nrm2|"
                       r"potr[fis]\d?|potri|pstrf|trtr[is]|getr[fis]|geqrf|syev[dr]?|lauum)_)\b")
VENDOR_GPU_NAME = re.compile(r"\b(cublas|cusolver)[A-Z]\w*")
FOREIGN_TYPE = re.compile(r"\b(cuda[A-Z]\w*|cublas\w*|cusolver\w*|CU(?:stream|device|context)|sqlite3\w*|nlohmann|CLI|toml|Eigen|boost|fmt|spdlog|PG(?:conn|result))\b")

SOURCE_SUFFIXES = {".hpp", ".cpp", ".h", ".c", ".cu", ".cuh", ".inl", ".inc"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
INCLUDE_COMMENT_OR_STRING = re.compile(r'^[ \t]*#[ \t]*include[^\n]*|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL | re.MULTILINE)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def room_of(path):
    """The room of a file, by its path from the root; None when the file stands in no room."""
    parts = path.split("/")
    if parts[0] == "include":
        return HEADER_ROOM.get(pathlib.PurePosixPath(path).stem) if parts[1:2] == ["warpbo"] and len(parts) == 3 else None
    if parts[0] == "kernels":
        return "backend"
    if parts[0] == "python":
        return "python"
    return parts[1] if len(parts) > 2 and parts[1] in ROOMS else None


def check_include(root, path, room, bracket, target):
    """Why this include is not allowed, or None."""
    if target.startswith("warpbo/"):
        header = pathlib.PurePosixPath(target).stem
        if bracket != "<":
            return f'write <{target}>, public headers are included with angle brackets'
        if header not in HEADER_ROOM:
            return f"<{target}> has no rank; add it to the table in tests/house/house_rules.py"
        if path.startswith("include/") or room not in FACES:
            return check_rank(room, HEADER_ROOM[header], target)
        return None
    if bracket == '"':
        return check_private_include(root, path, room, target)
    return check_foreign_include(path, room, target)


def check_private_include(root, path, room, target):
    if path.startswith("include/"):
        return f'a public header includes "{target}"; it may include only <warpbo/...> and the standard library'
    if target.startswith("../") or "/../" in target:
        return f'"{target}" climbs; write the path from src/'
    target_path = target if target.startswith(("kernels/", "python/")) else "src/" + target
    if not (root / target_path).is_file():
        beside = str(pathlib.PurePosixPath(path).parent / target)
        if path.startswith("python/") and (root / beside).is_file():
            return None
        return f'"{target}" is not a file of src/ (write the path from src/)'
    target_room = room_of(target_path)
    if room in FACES and target_room != room:
        return f'"{target}" is private; {room} is a face and includes public headers only'
    return check_rank(room, target_room, target)


def check_rank(room, target_room, target):
    if target_room is None:
        return f"{target} stands in no room"
    rank, target_rank = ROOMS[room][0], ROOMS[target_room][0]
    if target_room == room or target_rank < rank:
        return None
    return f"{room} (rank {rank}) includes {target} of {target_room} (rank {target_rank})"


def check_foreign_include(path, room, target):
    for pattern, allowed in THIRD_PARTY:
        if re.match(pattern, target):
            return None if re.fullmatch(allowed, path) else f"<{target}> may be included only by {allowed}"
    standard = re.fullmatch(r"[a-z_0-9]+", target) is not None
    if path.startswith("include/") and not standard:
        return f"<{target}>: a public header may include only <warpbo/...> and the C++ standard library"
    if room == "math" and target not in MATH_MAY_INCLUDE:
        return f"<{target}>: math also compiles for a device; it may include only {', '.join(sorted(MATH_MAY_INCLUDE))}"
    return None


def check_names(path, text):
    """Names in the code (includes, comments and strings blanked) that this file may not speak: (position, why) pairs."""
    code = INCLUDE_COMMENT_OR_STRING.sub(blank, text)
    for match in re.finditer(r"\bWARPBO_HAS_CUDA\b", text):
        yield match.start(), "WARPBO_HAS_CUDA appears in no source file: a missing backend is a file chosen by CMake"
    if path != "src/backend/cpu/dense.cpp":
        for match in BLAS_NAME.finditer(code):
            yield match.start(), f"{match.group(0)}: src/backend/cpu/dense.cpp alone names BLAS and LAPACK"
    if path != "src/backend/cuda/dense.cpp":
        for match in VENDOR_GPU_NAME.finditer(code):
            yield match.start(), f"{match.group(0)}: src/backend/cuda/dense.cpp alone names cuBLAS and cuSOLVER"
    if path.startswith("include/"):
        for match in FOREIGN_TYPE.finditer(code):
            yield match.start(), f"{match.group(0)}: public headers hold no third-party and no CUDA type"
        for match in re.finditer(r"^[ \t]*#[ \t]*(if\w*)\b", code, re.MULTILINE):
            yield match.start(), f"#{match.group(1)}: public headers have no conditional parts"


def source_files(root):
    for top in ("include", "src", "kernels", "python"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix in SOURCE_SUFFIXES and file.is_file():
                yield file


def violations(root):
    """All violations under `root`, as "path:line: why"."""
    root = pathlib.Path(root)
    found = []
    for file in source_files(root):
        path = file.relative_to(root).as_posix()
        text = file.read_text(encoding="utf-8")
        room = room_of(path)
        if room is None:
            found.append(f"{path}:1: stands in no room; add its folder or header to the table in tests/house/house_rules.py")
            continue
        for match in INCLUDE.finditer(text):
            why = check_include(root, path, room, match.group(1), match.group(2))
            if why:
                found.append(f"{path}:{line_of(text, match.start())}: {why}")
        found.extend(f"{path}:{line_of(text, position)}: {why}" for position, why in check_names(path, text))
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    count = sum(1 for _ in source_files(root))
    if count == 0:
        sys.exit(f"no source files under {root}")
    found = violations(root)
    print("\n".join(found))
    print(f"{count} files read, {len(found)} violations")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
