"""The limits for each dataset and deployment, from `lineage-bridge.toml`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from typing import Any, Final, Self

import msgspec

from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.assess.expectations import Stated
from lineage_bridge.assess.freshness import FreshnessPolicy
from lineage_bridge.assess.groups.fairness import FairnessPolicy
from lineage_bridge.events import Name
from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.naming import Slot
from lineage_bridge.schedule import Schedule
from lineage_bridge.settings import FreshnessSettings, FreshnessSla, Settings

DEFAULT_KEY: Final = "default"

_Given = Mapping[str, Mapping[str, Any]]  # name of a node or `default` -> limits by name


@dataclass(frozen=True, slots=True)
class Policies:
    """The limits that the settings give; a node's own override those of `default`.

    Where the settings give none for a node, `said_of_serving` and `stated_of` return None: then
    the policy in the node's facet applies, if there is one, else what the rules say.

    Attributes:
        feedback: declared loops, as node ids: what is fed back, and into what.
    """

    _freshness: _Given = field(default_factory=dict)
    _serving: _Given = field(default_factory=dict)
    _stated: Mapping[str, Stated] = field(default_factory=dict)  # by key of the settings
    _slas: Mapping[str, Stated] = field(default_factory=dict)  # by name of a feature view
    _drift: _Given = field(default_factory=dict)
    _fairness: _Given = field(default_factory=dict)
    feedback: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take the policies from the settings."""
        given = settings.policies
        return cls(
            {
                name: limits.model_dump(exclude_none=True, exclude={"expects"})
                for name, limits in given.freshness.items()
            },
            {name: limits.model_dump(exclude_none=True) for name, limits in given.serving.items()},
            {
                name: stated
                for name, said in given.freshness.items()
                if (stated := _stated(name, said)) is not None
            },
            {sla.view: _promised(sla) for sla in given.slas},
            {name: limits.model_dump(exclude_none=True) for name, limits in given.drift.items()},
            {name: limits.model_dump(exclude_none=True) for name, limits in given.fairness.items()},
            settings.loops,
        )

    def freshness(self, dataset: str) -> FreshnessPolicy:
        """Return the ages that an event of a build carries: they are the only ones it may know.

        A schedule, a rhythm and the promise of a feature view are for whoever reads it
        (`stated_of`): no event depends on them.
        """
        policy = FreshnessPolicy()
        for limits in _given(self._freshness, dataset):
            policy = replace(policy, **limits)
        if policy.warn_seconds > policy.error_seconds:
            policy = replace(policy, warn_seconds=policy.error_seconds)
        return policy

    def stated_of(self, names: Sequence[Name]) -> Stated | None:
        """Return what the settings state of a dataset by its names; None if they state nothing.

        What they say of all datasets counts last; see `named`.
        """
        return self.named(names) or self._stated.get(DEFAULT_KEY)

    def named(self, names: Sequence[Name]) -> Stated | None:
        """Return what the settings state of this dataset and not of all.

        What they say of `<namespace>:<name>` comes before what they say of the name, and that
        before the promise of the feature view that the dataset is of.
        """
        if not self._stated and not self._slas:
            return None
        keys = [f"{name.namespace}:{name.name}" for name in names] + [n.name for n in names]
        found = next((self._stated[key] for key in keys if key in self._stated), None)
        return found or self._promised_of(names)

    def _promised_of(self, names: Iterable[Name]) -> Stated | None:
        parts = (part for name in names for part in _parts_of(name.name)) if self._slas else ()
        return next((self._slas[part] for part in parts if part in self._slas), None)

    def serving(self, slot: Slot) -> ServingPolicy:
        """Return the policy of a deployment; the defaults if the settings give none."""
        return self.said_of_serving(slot) or ServingPolicy()

    def said_of_serving(self, slot: Slot) -> ServingPolicy | None:
        """Return the policy that the settings give for a deployment, None if they give none."""
        given = list(_given(self._serving, slot.deployment))
        if not given:
            return None
        policy = ServingPolicy()
        for limits in given:
            policy = msgspec.structs.replace(policy, **limits)
        return policy

    def drift(self, deployment: str = DEFAULT_KEY) -> DriftPolicy:
        """Return the limits of drift of a deployment; those of all where none is named."""
        policy = DriftPolicy()
        for given in _given(self._drift, deployment):
            limits = {name: _FROZEN.get(name, _as_it_is)(value) for name, value in given.items()}
            policy = replace(policy, **limits)
        warning_psi = min(policy.warning_psi, policy.critical_psi)
        warning_new = min(policy.warning_new, policy.critical_new)
        return replace(policy, warning_psi=warning_psi, warning_new=warning_new)

    def fairness(self, deployment: str) -> FairnessPolicy:
        """Return the limits of fairness of a deployment; the defaults if the settings give none."""
        return self.said_of_fairness(deployment) or FairnessPolicy()

    def said_of_fairness(self, deployment: str) -> FairnessPolicy | None:
        """Return the limits that the settings give for a deployment, None if they give none."""
        given = list(_given(self._fairness, deployment))
        policy = FairnessPolicy()
        for limits in given:
            policy = replace(policy, **limits)
        return policy if given else None


def _as_it_is(value: Any) -> Any:
    return value


# What the settings give as lists.
_FROZEN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "hours": lambda hours: tuple(sorted(set(hours))),
    "calendar": frozenset,
    "apart": frozenset,
}


def _stated(name: str, said: FreshnessSettings) -> Stated | None:
    if said.expects is None and said.warn_seconds is None and said.error_seconds is None:
        return None
    return Stated(
        "declared" if said.expects is None else "cron",
        f'policies.freshness."{name}"',
        said.warn_seconds,
        said.error_seconds,
        None if said.expects is None else Schedule.parse(said.expects),
    )


def _promised(sla: FreshnessSla) -> Stated:
    return Stated("freshness_sla", str(sla.path), warn_seconds=sla.seconds)


def _parts_of(name: str) -> Iterator[str]:
    """Yield the parts of a dataset's name that may be a view's: `features.<view>.offline`.

    The file of the newest rows of a view is called `<view>_latest.parquet`.
    """
    for part in re.split(r"[./]", name):
        yield part
        yield part.removesuffix("_latest")


def _given(all_given: _Given, name: str) -> Iterator[Mapping[str, Any]]:
    return (all_given[key] for key in (DEFAULT_KEY, name) if key in all_given)


@cache
def policy_mark(policy: ServingPolicy) -> str:
    """Return a short text that is different for each policy."""
    return blake2b(repr(policy).encode(), digest_size=8).hexdigest()
