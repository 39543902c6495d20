#!/usr/bin/env python3
"""Writes tables.hpp: values of the functions of src/math with 60 digits of working precision (needs mpmath)."""

import pathlib

import mpmath as mp

from coefficients import scaled_cdf, scaled_improvement

mp.mp.dps = 60


def number(x):
    """Shortest decimal of the nearest double."""
    return repr(float(x)) if mp.isfinite(x) else "INFINITY"


def table(name, columns, rows):
    lines = [f"/// {{{', '.join(columns)}}}", f"inline constexpr double {name}[][{len(columns)}] = {{"]
    lines += ["    {" + ", ".join(number(x) for x in row) + "}," for row in rows]
    return "\n".join(lines + ["};", ""])


def normal_row(z):
    z = mp.mpf(z)
    with mp.workdps(2000 if abs(z) < 40 else 60):
        t = abs(z)
        e, g = scaled_cdf(t), scaled_improvement(t)
        log_tail = -t * t / 2 + mp.log(e)
        pdf = mp.npdf(z)
        cdf = mp.ncdf(z) if t < 40 else (mp.mpf(0) if z < 0 else mp.mpf(1))
        log_cdf = log_tail if z <= 0 else mp.log1p(-mp.exp(log_tail))
        improvement = (z if z > 0 else 0) + mp.exp(-t * t / 2) * g
        log_improvement = -t * t / 2 + mp.log(g) if z <= 0 else mp.log(improvement)
        slope = e / g if z <= 0 else (1 - mp.exp(log_tail)) / improvement
        return [z, pdf, cdf, log_cdf, improvement, log_improvement, slope]


def matern(r2):
    s = mp.sqrt(5 * mp.mpf(r2))
    return [r2, (1 + s + s * s / 3) * mp.exp(-s), -mp.mpf(5) / 6 * (1 + s) * mp.exp(-s), mp.exp(-mp.mpf(r2) / 2), -mp.exp(-mp.mpf(r2) / 2) / 2]


def main():
    halves = [0.0, 1e-300, 1e-10, 0.001, 0.1, 0.5, 0.999, 1.0, 1.001, 1.5, 2.0, 3.0, 4.0, 5.5, 8.0, 12.0, 20.0, 37.0, 38.5, 100.0, 1e3, 1e4, 6.7e7, 1e6]
    # Both sides of the borders of the three branches of Ament et al. 2023: -1 and -1/sqrt(eps) = -6.7e7.
    zs = sorted({-x for x in halves} | set(halves) | {-6.8e7, -7.0, -10.0, -30.0})
    xs = [0.0, -0.0, 1e-300, -1e-17, 1.0, -1.0, 0.34657, 0.34658, -0.34657, -0.34658, 10.5, -10.5, 100.0, -100.0, -700.0, -706.9, 700.0, 708.9]
    r2s = [0.0, 1e-300, 1e-18, 1e-8, 0.01, 0.5, 1.0, 3.0, 10.0, 100.0, 1e3, 1e4, 9e4]
    ts = [0.0, 1e-8, 0.3, 1.0, 2.7, 4.0, 6.5, 15.0, 60.0, 500.0, 1e5, 1e8, 1e20]
    text = "// Written by make_tables.py.\n#pragma once\n\n#include <cmath>\n\nnamespace warpbo::math::testing {\n\n"
    text += table("kExponential", ["x", "exp(x)"], [[x, mp.exp(x)] for x in xs]) + "\n"
    text += table("kCovariance", ["r^2", "matern", "its slope", "rbf", "its slope"], [matern(r2) for r2 in r2s]) + "\n"
    text += table("kScaled", ["t", "scaled_cdf", "scaled_improvement"], [[t, scaled_cdf(mp.mpf(t)), scaled_improvement(mp.mpf(t))] for t in ts]) + "\n"
    text += table("kNormal", ["z", "pdf", "cdf", "log cdf", "h", "log h", "d log h"], [normal_row(z) for z in zs])
    text += "\n}  // namespace warpbo::math::testing\n"
    (pathlib.Path(__file__).parent / "tables.hpp").write_text(text)


if __name__ == "__main__":
    main()
