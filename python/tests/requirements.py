"""Prints what building and testing the package needs, one requirement a line, as pyproject.toml names it."""

import pathlib
import re
import sys

text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
for key in ("requires", "dependencies", "test"):
    found = re.search(rf"^{key} = \[(.*)\]$", text, re.MULTILINE)
    assert found is not None, key
    print("\n".join(re.findall(r'"([^"]+)"', found.group(1))))
