"""The shared library exports warpbo's own names (and inline ones of the C++ runtime), and none of the libraries inside it.

    check_exports.py LIBRARY
"""

import re
import subprocess
import sys

OURS = re.compile(r"\bwarpbo::")
RUNTIME = re.compile(r"\b(std|__gnu_cxx)::")
EMBEDDED = re.compile(r"\b(nlohmann|toml|CLI)\b")


def is_foreign(name):
    """`name` is demangled; a C symbol such as dgemm_ or sqlite3_open has no namespace at all."""
    return EMBEDDED.search(name) is not None or not (OURS.search(name) or RUNTIME.search(name))


def main():
    assert is_foreign("dgemm_") and is_foreign("nlohmann::basic_json<std::map>::dump()") and is_foreign("sqlite3_open")
    assert not is_foreign("warpbo::Study::ask()") and not is_foreign("typeinfo for warpbo::Error")
    output = subprocess.run(["nm", "-D", "-C", "--defined-only", sys.argv[1]], check=True, capture_output=True, text=True).stdout
    names = [line.split(" ", 2)[2] for line in output.splitlines()]
    ours = sum(1 for name in names if OURS.search(name))
    foreign = [name for name in names if is_foreign(name)]
    print(f"{len(names)} exported names, {ours} of warpbo")
    if ours < 10:
        sys.exit("the library hardly exports anything of warpbo")
    if foreign:
        sys.exit("exported, but not warpbo's:\n" + "\n".join(foreign[:50]))


if __name__ == "__main__":
    main()
