"""One trial: trains Debian's `xgboost` with the settings given as --name=value and prints the validation error.

The rows that `subsample` and `colsample_bytree` draw come from one fixed seed, so a setting always gives the same error. A run that has
learned nothing after a few rounds is stopped and fails, which saves its time for a better one.
"""

import pathlib
import re
import subprocess
import sys

ROUNDS = 25
CHECK_AFTER = 5    # rounds
HOPELESS = 0.6     # validation error; guessing has 0.9
DATA = pathlib.Path(__file__).resolve().parent / "data"


def main():
    settings = [argument.removeprefix("--") for argument in sys.argv[1:]]
    bad = [setting for setting in settings if not re.fullmatch(r"[a-z_]+=[\w.+-]+", setting)]
    if bad:
        sys.exit(f"train.py takes --name=value, not {bad[0]!r}")
    command = ["xgboost", "/dev/null", f"data={DATA}/train.txt?format=libsvm", f"eval[valid]={DATA}/valid.txt?format=libsvm",
               "objective=multi:softmax", "num_class=10", "eval_metric=merror", f"num_round={ROUNDS}", "nthread=1", "seed=1",
               "model_out=/dev/null", *settings]
    error = None
    tail = []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        tail = (tail + [line])[-5:]
        match = re.search(r"\[(\d+)\]\s+valid-merror:([0-9.]+)", line)
        if not match:
            continue
        error = float(match.group(2))
        if int(match.group(1)) + 1 == CHECK_AFTER and error > HOPELESS:
            process.kill()
            sys.exit(f"error {error:.3f} after {CHECK_AFTER} rounds: this learns nothing")
    if process.wait() != 0 or error is None:
        sys.exit("xgboost failed:\n" + "".join(tail))
    print(f"error={error:.4f}")


if __name__ == "__main__":
    main()
