"""The limits for each dataset and deployment, from `lineage-bridge.toml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from typing import Any, Final, Self

import msgspec

from lineage_bridge.assess.freshness import FreshnessPolicy
from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.naming import Slot
from lineage_bridge.settings import Settings

DEFAULT_KEY: Final = "default"

_Given = Mapping[str, Mapping[str, Any]]  # name of a node or `default` -> limits by name


@dataclass(frozen=True, slots=True)
class Policies:
    """The limits that the settings give; a node's own override those of `default`.

    Where the settings give none for a node, `said_of_...` returns None: then the policy in the
    node's facet applies, if there is one, else the default values of the rules.
    """

    _freshness: _Given = field(default_factory=dict)
    _serving: _Given = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take the policies from the settings."""
        given = settings.policies
        return cls(
            {
                name: limits.model_dump(exclude_none=True)
                for name, limits in given.freshness.items()
            },
            {name: limits.model_dump(exclude_none=True) for name, limits in given.serving.items()},
        )

    def freshness(self, dataset: str) -> FreshnessPolicy:
        """Return the policy of a dataset, by its name; the defaults if the settings give none."""
        return self.said_of_freshness(dataset) or FreshnessPolicy()

    def serving(self, slot: Slot) -> ServingPolicy:
        """Return the policy of a deployment; the defaults if the settings give none."""
        return self.said_of_serving(slot) or ServingPolicy()

    def said_of_freshness(self, dataset: str) -> FreshnessPolicy | None:
        """Return the policy that the settings give for a dataset, None if they give none."""
        given = list(_given(self._freshness, dataset))
        if not given:
            return None
        policy = FreshnessPolicy()
        for limits in given:
            policy = replace(policy, **limits)
        if policy.warn_seconds > policy.error_seconds:
            policy = replace(policy, warn_seconds=policy.error_seconds)
        return policy

    def said_of_serving(self, slot: Slot) -> ServingPolicy | None:
        """Return the policy that the settings give for a deployment, None if they give none."""
        given = list(_given(self._serving, slot.deployment))
        if not given:
            return None
        policy = ServingPolicy()
        for limits in given:
            policy = msgspec.structs.replace(policy, **limits)
        return policy


def _given(all_given: _Given, name: str) -> Iterator[Mapping[str, Any]]:
    return (all_given[key] for key in (DEFAULT_KEY, name) if key in all_given)


@cache
def policy_mark(policy: ServingPolicy) -> str:
    """Return a short text that is different for each policy."""
    return blake2b(repr(policy).encode(), digest_size=8).hexdigest()
