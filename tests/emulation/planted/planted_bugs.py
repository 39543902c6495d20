"""Proves that the conformance suite can fail: plants bugs in the kernels, one at a time, and demands that every one turns it red.

    planted_bugs.py BUILD.json [NAME...]

BUILD.json is written by CMake: how the emulated engine was compiled and what its test program is linked from. Each bug is an edit of one
source file; the edited file is compiled anew and linked in front of the engine's library. A bug is caught if the suite fails in at
least one of the orders of threads in which CI runs it.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

from bugs import BUGS

ORDERS = (
    {"WARPBO_EMULATION_ORDER": "ascending"},
    {"WARPBO_EMULATION_ORDER": "descending", "WARPBO_EMULATION_DEFER": "1"},
    {"WARPBO_EMULATION_ORDER": "shuffled", "WARPBO_EMULATION_DEFER": "1"},
)
MOST_SECONDS = 1200  # for one run of the suite without a bug


def compile_command(build, source):
    """The compiler's arguments for a source file, without what names the input and the output."""
    for entry in json.loads(pathlib.Path(build["compile_commands"]).read_text()):
        if pathlib.Path(entry["file"]) == source and "warpbo_cuda_emulated" in entry["command"]:
            arguments = shlex.split(entry["command"])
            while arguments and not arguments[0].endswith(("++", "g++-12", "c++")):
                arguments.pop(0)  # a compiler launcher
            out, skip = [], False
            for argument in arguments:
                if skip or argument == str(source):
                    skip = False
                elif argument == "-o":
                    skip = True
                elif argument not in ("-c", "-Werror"):
                    out.append(argument)
            return out, entry["directory"]
    sys.exit(f"{source} is not part of the emulated engine")


def build_with(build, bug, scratch):
    """Compiles the file with its bug and links the test program; the program's path."""
    source = pathlib.Path(build["root"]) / bug.file
    text = source.read_text()
    if text.count(bug.find) != bug.count:
        sys.exit(f"bug '{bug.name}': its text occurs {text.count(bug.find)} times in {bug.file}, not {bug.count}; "
                 "the source has changed, so the bug has to be planted anew in bugs.py")
    target = source
    edited = scratch / source.name
    edited.write_text(text.replace(bug.find, bug.replace))
    units = [(target, edited)]
    overlay = []
    if source.suffix == ".cuh":  # a header: compile the unit that shows the bug with the edited header in front
        header = scratch / "overlay" / bug.file
        header.parent.mkdir(parents=True, exist_ok=True)
        edited.rename(header)
        overlay = [f"-I{scratch / 'overlay'}"]
        unit = pathlib.Path(build["root"]) / bug.unit
        units = [(unit, unit)]
    objects = []
    for original, file in units:
        arguments, directory = compile_command(build, original)
        output = scratch / (file.stem + ".o")
        language = [] if "-x" in arguments else ["-x", "c++"]
        command = [arguments[0], *overlay, *arguments[1:], *language, "-c", str(file), "-o", str(output)]
        subprocess.run(command, check=True, cwd=directory)
        objects.append(str(output))
    program = scratch / "suite"
    subprocess.run([build["compiler"], *build["link_flags"], "-o", str(program), *objects, *build["objects"], *build["libraries"]], check=True)
    return program


def red(program, pattern, seconds):
    """The order in which the suite fails, or None. A run that takes longer than `seconds` hangs, which is a failure."""
    for order in ORDERS:
        try:
            result = subprocess.run([str(program), "--gtest_brief=1", f"--gtest_filter={pattern}"], env={**os.environ, **order},
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            return f"{order['WARPBO_EMULATION_ORDER']} (hangs)"
        if result.returncode != 0:
            return order["WARPBO_EMULATION_ORDER"]
    return None


def main():
    build = json.loads(pathlib.Path(sys.argv[1]).read_text())
    wanted = set(sys.argv[2:])
    unknown = wanted - {bug.name for bug in BUGS}
    if unknown:
        sys.exit(f"unknown bugs: {', '.join(sorted(unknown))}")
    bugs = [bug for bug in BUGS if not wanted or bug.name in wanted]
    start = time.monotonic()
    clean = red(build["suite"], ":".join(sorted({bug.filter for bug in bugs})), MOST_SECONDS)
    if clean:
        sys.exit(f"the suite fails without any bug, in {clean} order")
    patience = 60 + time.monotonic() - start  # all tests in all orders took that long: part of them in one order takes less
    missed = []
    for bug in bugs:
        with tempfile.TemporaryDirectory() as folder:
            order = red(build_with(build, bug, pathlib.Path(folder)), bug.filter, patience)
        print(f"{'caught' if order else 'MISSED':7} {bug.name:32} {bug.kind:26} {bug.file:28} {order or ''}", flush=True)
        if not order:
            missed.append(bug.name)
    print(f"{len(bugs) - len(missed)} of {len(bugs)} planted bugs were caught")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
