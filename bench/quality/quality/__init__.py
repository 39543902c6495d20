"""A side-by-side measurement of optimizers: problems, protocol, statistics, report. See ../README.md."""

import os

# One thread: the matrices are small, and on a busy machine waiting threads would count as processor time.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
