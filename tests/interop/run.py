#!/usr/bin/env python3
"""Prepares an environment with Optuna 5 from PyPI and runs conversation.py in it.

Exit status 77 (skipped) only if PyPI cannot be reached and WARPBO_REQUIRE_INTEROP is not set.
"""
import argparse
import fcntl
import os
import pathlib
import subprocess
import sys

REQUIREMENTS = ["optuna>=5,<6", "optuna-dashboard>=0.20", "plotly>=6"]


def prepare(venv: pathlib.Path) -> pathlib.Path:
    """The environment's interpreter; installs what is missing. One process at a time."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    python = venv / "bin" / "python"
    stamp = venv / "requirements.txt"
    with open(str(venv) + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == "\n".join(REQUIREMENTS):
            return python
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS],
            check=True,
            stderr=subprocess.PIPE,
            text=True,
        )
        stamp.write_text("\n".join(REQUIREMENTS))
    return python


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--venv", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        python = prepare(arguments.venv)
    except subprocess.CalledProcessError as error:
        reason = error.stderr or str(error)
        unreachable = any(word in reason for word in ("NewConnectionError", "Name or service not known", "timed out", "No matching distribution", "ProxyError"))
        if os.environ.get("WARPBO_REQUIRE_INTEROP") or not unreachable:
            print(reason, file=sys.stderr)
            return 1
        print(f"SKIPPED: PyPI cannot be reached, so Optuna cannot be installed:\n{reason}")
        return 77
    script = pathlib.Path(__file__).with_name("conversation.py")
    return subprocess.run([python, script, arguments.tool]).returncode


if __name__ == "__main__":
    sys.exit(main())
