"""Numbers as whole numbers of the same order: what is near each other has its first bits in common.

The bits of a float of IEEE 754 are in the order of its value if it is positive, in the reverse
order if it is negative. To drop the last bits of such a key is to round the number down, relative
to its size.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Keys: TypeAlias = NDArray[np.uint64]
Counts: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

BITS: Final = 64
_SIGN: Final = np.int64(-(1 << 63))


def keys_of(values: Floats) -> Keys:
    """Return the key of each number; none may be NaN. 0.0 and -0.0 are one."""
    bits = (values + 0.0).view(np.int64)
    flipped = bits >> 63  # all bits of a negative number,
    flipped |= _SIGN  # only the sign of a positive one
    flipped ^= bits
    return flipped.view(np.uint64)


def values_of(keys: Keys) -> Floats:
    """Return the number of each key."""
    bits = keys.view(np.int64)
    return (bits ^ (~(bits >> 63) | _SIGN)).view(np.float64)


def bits_apart(keys: Keys) -> Counts:
    """Return how many of the last bits each two neighbours among ascending keys differ in."""
    apart = keys[1:] ^ keys[:-1]
    # Only the first of equal bits in a row is left, so that no rounding to a float carries.
    apart &= ~(apart >> np.uint64(1))
    return np.frexp(apart.astype(np.float64))[1].astype(np.int64)


def mixed(keys: Keys) -> Keys:
    """Spread whole numbers evenly over all 64 bits (the finalizer of SplitMix64)."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    spread: Keys = keys ^ (keys >> np.uint64(31))
    return spread
