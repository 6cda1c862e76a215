"""Like cases of one test: the first ones run with `make test`, the others with `make test-slow`."""

from __future__ import annotations

import pytest


def others_slow(values, *, fast=1):
    """Return the values as parameters; those after the first ones are slow tests."""
    return [
        value if place < fast else pytest.param(*as_row(value), marks=pytest.mark.slow)
        for place, value in enumerate(values)
    ]


def as_row(value):
    return value if isinstance(value, tuple) else (value,)
