#!/usr/bin/env python3
"""Prints the polynomial coefficients of src/math/exponential.hpp, normal.hpp and sine_cosine.hpp (needs mpmath).

All are Chebyshev interpolants computed with 60 digits and rewritten as monomials, lowest power first:
  exp(r) = 1 + r + r^2 p(r)             on |r| <= ln(2)/2
  Phi(-t) exp(t^2/2)         = P(u) q   on t >= 0, q = 1/(t + 4), u = 1 - 8 q in [-1, 1)
  (phi(t) - t Phi(-t)) exp(t^2/2) = Q(u) q^2
  sin(r) = r + r^3 S(r^2), cos(r) = 1 - r^2/2 + r^4 C(r^2)   on |r| <= pi/4
"""
import mpmath as mp

mp.mp.dps = 60
SHIFT = mp.mpf(4)


def tail_fraction(t, first):
    """The continued fraction first/(t + (first+1)/(t + ...)) of Mills' ratio (Laplace), for large t."""
    f = mp.mpf(0)
    for k in range(400, first - 1, -1):
        f = k / (t + f)
    return f


def scaled_cdf(t):
    if t > 60:
        return 1 / (t + tail_fraction(t, 1)) / mp.sqrt(2 * mp.pi)
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2)


def scaled_improvement(t):
    if t > 60:
        w = tail_fraction(t, 1)
        return w / (t + w) / mp.sqrt(2 * mp.pi)
    return 1 / mp.sqrt(2 * mp.pi) - t * scaled_cdf(t)


def chebyshev(f, degree):
    count = 4 * degree
    nodes = [(j + mp.mpf(1) / 2) * mp.pi / count for j in range(count)]
    values = [f(mp.cos(x)) for x in nodes]
    return [(2 if k else 1) * mp.fsum(v * mp.cos(k * x) for v, x in zip(values, nodes)) / count for k in range(degree + 1)]


def monomial(c):
    """Chebyshev series -> powers."""
    previous, current = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    out = [mp.mpf(0)] * len(c)
    out[0] += c[0]
    for k in range(1, len(c)):
        for i, x in enumerate(current):
            out[i] += c[k] * x
        following = [mp.mpf(0)] + [2 * x for x in current]
        for i, x in enumerate(previous):
            following[i] -= x
        previous, current = current, following
    return out


def in_squares(f, degree):
    """f(z) for z = r^2, |r| <= pi/4, as powers of z."""
    top = (mp.pi / 4 * mp.mpf("1.0001")) ** 2
    in_u = monomial(chebyshev(lambda u: f(top * (1 + u) / 2), degree))
    return [mp.fsum(c * mp.binomial(k, i) * (-1) ** (k - i) for k, c in enumerate(in_u)) * (2 / top) ** i for i in range(degree + 1)]


def show(name, coefficients):
    print(f"{name}:")
    for c in coefficients:
        print(f"    {float(c)!r},")


def main():
    half = mp.log(2) / 2 * mp.mpf("1.0001")
    q = monomial(chebyshev(lambda u: (mp.exp(half * u) - 1 - half * u) / (half * u) ** 2, 9))
    show("exp", [c / half**k for k, c in enumerate(q)])
    t = lambda u: SHIFT * (1 + u) / (1 - u)
    show("scaled_cdf", monomial(chebyshev(lambda u: scaled_cdf(t(u)) * (t(u) + SHIFT), 23)))
    show("sine", in_squares(lambda z: (mp.sin(mp.sqrt(z)) - mp.sqrt(z)) / mp.sqrt(z) ** 3, 5))
    show("cosine", in_squares(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, 5))
    show("scaled_improvement", monomial(chebyshev(lambda u: scaled_improvement(t(u)) * (t(u) + SHIFT) ** 2, 26)))


if __name__ == "__main__":
    main()
