"""How fast each case could be at best, from what the same run measured of the device, and what the project set out to reach.

A floor is the larger of the bytes that must move over the bandwidth and the operations that must be done over their rate, summed over the
stages that cannot overlap; each input is read once, each output written once. n points in d dimensions, doubles of 8 bytes.
"""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Device:
    bandwidth: float    # bytes/s, read and written, of a large copy
    matrix: float       # flop/s of a large matrix product
    instructions: float  # double-precision instructions per second
    cache: float        # bytes that repeated reads find on the chip
    pivot: float        # seconds from one pivot of a Cholesky factorization to the next
    barrier: float      # seconds of a wait of all blocks for one another


def device(engine, calibration):
    """`calibration`: rates by case name. On an H100 or H200, 132 processors of 64 lanes at 1.98 GHz issue 16.7e12 double-precision
    instructions per second; the pivot and the barrier are estimates. On a CPU, two flops per lane and instruction."""
    bandwidth = calibration.get("calibrate/copy")
    matrix = calibration.get("calibrate/product/n=8192") or calibration.get("calibrate/product/n=1024")
    if not bandwidth or not matrix:
        return None
    if engine.startswith("cuda"):
        return Device(bandwidth, matrix, 16.7e12, 50e6, 70e-9, 1.5e-6)
    return Device(bandwidth, matrix, matrix / 2, 4e6, 0, 0)


def parameters(name):
    group, *rest = name.split("/")
    return group, {key: int(value) for key, value in (part.split("=") for part in rest if "=" in part)}


def likelihood_floor(n, d, on):
    return max(n**3 / on.matrix, n * on.pivot) + n * n / 2 * (6 * d + 70) / on.instructions


def floor(record, on):
    """Seconds and the formula, or (None, None)."""
    if on is None:
        return None, None
    group, p = parameters(record["case"])
    n, d, m = p.get("n", 0), p.get("d", 10), p.get("m", 0)
    if group == "kernel_build":
        return max(4 * n * n / on.bandwidth, n * n / 2 * (2 * d + 30) / on.instructions), "max(4n²/BW, n²/2 (2d+30)/R)"
    if group == "cholesky":
        return max(n**3 / 3 / on.matrix, 8 * n * n / on.bandwidth, n * on.pivot), "max(n³/3T, 8n²/BW, n pivot)"
    if group == "cholesky_batch":
        b = p["batch"]
        return max(b * 8 * n * n / on.bandwidth, b * n**3 / 3 / (on.matrix / 2)), "B max(8n²/BW, 2n³/3T)"
    if group == "likelihood":
        return likelihood_floor(n, d, on), "max(n³/T, n pivot) + n²/2 (6d+70)/R"
    if group == "likelihood_batch":
        return p["batch"] * (2 * n**3 / on.matrix + n * n / 2 * (4 * d + 60) / on.instructions), "B (2n³/T + n²/2 (4d+60)/R)"
    if group == "posterior":
        return m * n * (2 * d + 30) / on.instructions + n * n * m / on.matrix, "mn(2d+30)/R + n²m/T"
    if group == "tell":
        b = p["b"]
        return max(4 * n * n / on.bandwidth, (n * n * b + b**3 / 3) / on.matrix), "max(4n²/BW, (n²b + b³/3)/T)"
    if group == "acq_max" and record.get("rounds"):
        r = p["R"]
        matrix_bytes = 8 * n * n / on.bandwidth if 4 * n * n > on.cache else 0
        each = max(matrix_bytes, 2 * n * n * r / on.matrix) + n * r * (4 * d + 40) / on.instructions
        return record["rounds"] * max(each, on.barrier), "rounds max(max(8n²/BW, 2n²R/T) + nR(4d+40)/R, barrier)"
    if group == "greedy":
        q = p["q"]
        return n * n * m / on.matrix + q * 8 * n * m / on.bandwidth, "n²m/T + q 8nm/BW"
    if group in ("sobol", "normals"):
        return 8 * m * d / on.bandwidth, "8md/BW"
    if group == "select_top":
        return 8 * m / on.bandwidth, "8m/BW"
    if group == "score":
        return 8 * m * p["S"] / on.bandwidth, "8mS/BW"
    return None, None


@dataclasses.dataclass(frozen=True)
class Goal:
    what: str
    pattern: str   # of the case's name
    kind: str      # "floor": share of the floor, "peer": peer's time over ours, "seconds", "memory", "peer_at_20": see below
    reach: float


GOALS = [
    Goal("kernel matrix, n >= 5k", r"kernel_build/n=(5|10|20)000/.*", "floor", 0.60),
    Goal("Cholesky against cuSOLVER, n >= 5k", r"cholesky/n=(5|10|20)000", "peer", 0.90),
    Goal("Cholesky against cuSOLVER, n <= 1000", r"cholesky/n=(256|512|1000)", "peer", 3),
    Goal("likelihood + gradient against BoTorch, n <= 500", r"likelihood/n=(64|250|500)/d=10", "peer", 50),
    Goal("likelihood + gradient against BoTorch, n = 1-2k", r"likelihood/n=[12]000/d=10", "peer", 20),
    Goal("likelihood + gradient, n = 10k", r"likelihood/n=10000/d=10", "floor", 0.40),
    Goal("fit, n = 1000, warm", r"fit/n=1000/warm", "seconds", 10e-3),
    Goal("fit, n = 1000, cold", r"fit/n=1000/cold", "seconds", 60e-3),
    Goal("posterior, n = 10k, m = 1e5", r"posterior/n=10000/m=100000", "floor", 0.50),
    Goal("maximize LogEI, 20 starts, n <= 1000", r"acq_max/n=(250|1000)/R=20", "seconds", 1.5e-3),
    Goal("4096 starts in less time than BoTorch's 20", r"acq_max/n=(250|1000)/R=4096", "peer_at_20", 1),
    Goal("tell one point, n = 20k", r"tell/n=20000/b=1", "floor", 0.50),
    Goal("exact GP, n = 20k: likelihood + gradient", r"likelihood/n=20000/d=10", "seconds", 0.4),
    Goal("exact GP, n = 20k: memory", r"likelihood/n=20000/d=10", "memory", 12e9),
    Goal("ask(1), n = 1000, warm", r"ask/n=1000/q=1", "seconds", 25e-3),
]


def goals_of(name):
    return [goal for goal in GOALS if re.fullmatch(goal.pattern, name)]
