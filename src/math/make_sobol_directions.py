#!/usr/bin/env python3
"""Writes sobol_directions.hpp from the primitive polynomials and initial direction numbers of Joe & Kuo's list new-joe-kuo-6
(S. Joe and F. Y. Kuo, SIAM J. Sci. Comput. 30, 2635-2654, 2008), as SciPy carries them.

    python3 make_sobol_directions.py > sobol_directions.hpp      # needs scipy
"""
import os

import numpy
import scipy.stats

DIMENSIONS = 1024


def main():
    path = os.path.join(os.path.dirname(scipy.stats.__file__), "_sobol_direction_numbers.npz")
    data = numpy.load(path)
    polynomials, initial = data["poly"], data["vinit"]
    rows, numbers = [], []
    for dimension in range(1, DIMENSIONS):  # dimension 0 is the van der Corput sequence and needs no entry
        polynomial = int(polynomials[dimension])
        degree = polynomial.bit_length() - 1
        rows.append(polynomial)
        numbers.extend(int(m) for m in initial[dimension][:degree])
    assert max(rows) < 65536 and max(numbers) < 65536

    def table(values):
        lines, line = [], "   "
        for value in values:
            text = f" {value},"
            if len(line) + len(text) > 128:
                lines.append(line)
                line = "   "
            line += text
        return "\n".join(lines + [line])

    print(f"""/// Primitive polynomials and initial direction numbers of the Sobol' sequence: facts from Joe & Kuo's list new-joe-kuo-6
/// (SIAM J. Sci. Comput. 30, 2635-2654, 2008). Written by make_sobol_directions.py; do not edit.
#pragma once

#include <cstdint>

namespace warpbo::math {{

/// How many dimensions the table serves.
inline constexpr int kSobolDimensions = {DIMENSIONS};

// clang-format off
/// Dimensions 1, 2, ...: the primitive polynomial over GF(2), its highest coefficient in the highest set bit.
inline constexpr std::uint16_t kSobolPolynomials[] = {{
{table(rows)}
}};

/// For the same dimensions, one after another: as many odd numbers m_1, m_2, ... < 2^k as the polynomial's degree.
inline constexpr std::uint16_t kSobolInitialNumbers[] = {{
{table(numbers)}
}};
// clang-format on

}}  // namespace warpbo::math""")


if __name__ == "__main__":
    main()
