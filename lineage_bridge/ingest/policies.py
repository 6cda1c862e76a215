"""The policies of `lineage-bridge.toml`, as the assessors take them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lineage_bridge.assess.freshness import FreshnessPolicy
from lineage_bridge.assess.policy import ServingPolicy
from lineage_bridge.naming import Slot
from lineage_bridge.settings import Settings

DEFAULT_KEY = "default"


def freshness_policies(settings: Settings) -> Callable[[str], FreshnessPolicy]:
    """The policy of a dataset: its own values over those of `default` over the rules' own."""
    given = settings.policies.freshness

    def policy_of(dataset: str) -> FreshnessPolicy:
        policy = FreshnessPolicy()
        for key in (DEFAULT_KEY, dataset):
            if key in given:
                policy = replace(policy, **given[key].model_dump(exclude_none=True))
        if policy.warn_seconds > policy.error_seconds:
            policy = replace(policy, warn_seconds=policy.error_seconds)
        return policy

    return policy_of


def serving_policies(settings: Settings) -> Callable[[Slot], ServingPolicy]:
    """The policy of a deployment: its own values over those of `default` over the rules' own."""
    given = settings.policies.serving

    def policy_of(slot: Slot) -> ServingPolicy:
        policy = ServingPolicy()
        for key in (DEFAULT_KEY, slot.deployment):
            if key in given:
                policy = replace(policy, **given[key].model_dump(exclude_none=True))
        return policy

    return policy_of
