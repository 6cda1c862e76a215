"""How likely a difference is by chance: the four distributions that the tests need.

All parameters are whole numbers here, so each is a finite sum of positive terms. The tests compare
them with scipy, which is not needed at run time: its import alone takes longer than all of a
comparison (0.2 to 1.2 s).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import erfc, exp, fsum, inf, lgamma, log, sqrt

_SAME = 1e-7  # relative: tables that are equally likely in theory are so within rounding


def chi_square(statistic: float, degrees: int) -> float:
    """Return the chance of a chi-square statistic of at least this size."""
    half = statistic / 2
    if half <= 0:
        return 1.0
    if degrees % 2:
        terms = (k * log(half) - half - lgamma(k + 1) for k in _halves(degrees))
        return min(1.0, erfc(sqrt(half)) + _sum(terms))
    terms = (k * log(half) - half - lgamma(k + 1) for k in range(degrees // 2))
    return min(1.0, _sum(terms))


def _halves(degrees: int) -> Iterable[float]:
    return (k + 0.5 for k in range((degrees - 1) // 2))


def table_of_two(a: float, b: float, c: float, d: float) -> float:
    """Return the chance of a table (a of a + b) against (c of c + d) at least as uneven.

    Fisher's exact test where fewer than 5 are to be expected in a cell, chi-square above.
    """
    total = a + b + c + d
    rows, columns = (a + b, c + d), (a + c, b + d)
    if not all((*rows, *columns)):
        return 1.0
    if min(rows) * min(columns) / total < 5:
        return _fisher(*(round(count) for count in (a, b, c, d)))
    apart = a * d - b * c
    return chi_square(total * apart * apart / (rows[0] * rows[1] * columns[0] * columns[1]), 1)


def _fisher(a: int, b: int, c: int, d: int) -> float:
    row, column, total = a + b, a + c, a + b + c + d

    def weight(k: int) -> float:  # the logarithm, without what all tables have in common
        others = (row - k, column - k, total - row - column + k)
        return -lgamma(k + 1) - sum(lgamma(other + 1) for other in others)

    weights = [weight(k) for k in range(max(0, row + column - total), min(row, column) + 1)]
    limit = weight(a) + _SAME
    heaviest = max(weights)
    whole = fsum(exp(one - heaviest) for one in weights)
    return min(1.0, fsum(exp(one - heaviest) for one in weights if one <= limit) / whole)


def beyond(count: float, r: int, reference: float, current: float) -> float:
    """Return the chance that so many of the current rows, or more, lie beyond the reference.

    How many of n new rows lie beyond the r-th of m earlier ones, counted from the end, has a
    negative binomial distribution, whatever the rows are distributed like.

    Args:
        count: how many do.
        r: how many of the reference's own rows are at the edge of what it has seen.
        reference: the number of rows in the reference.
        current: the number of rows that are compared with it.
    """
    if count <= 0:
        return 1.0
    inside = log(reference / (reference + current))
    outside = log(current / (reference + current))
    terms = (
        lgamma(count + j) - lgamma(count) - lgamma(j + 1) + j * inside + count * outside
        for j in range(r)
    )
    return min(1.0, _sum(terms))


def kolmogorov(distance: float, effective: float) -> float:
    """Return the chance of such a distance between two samples of so many rows together.

    The limit for many rows, with Stephens' correction for few.
    """
    root = sqrt(effective)
    x = distance * (root + 0.12 + 0.11 / root)
    if x < 0.2:  # the series converges slowly there, and the chance is 1 to 12 digits
        return 1.0
    terms = ((-1) ** (k - 1) * exp(-2 * k * k * x * x) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * fsum(terms)))


def _sum(logarithms: Iterable[float]) -> float:
    return fsum(exp(one) for one in logarithms if one > -inf)
