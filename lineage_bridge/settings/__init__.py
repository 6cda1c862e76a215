"""One typed `Settings`: flags over environment over `lineage-bridge.toml` over defaults.

The file is taken from `--config`, else the working folder, else the home (the data folder). An
unknown key is an error, so that a misspelt one is noticed. Ages and durations are in seconds.

Invariant: no secret is in an error, a `repr` or a dump of the settings. What is secret is marked by
its type; and because a secret may be written into any place by mistake, no error shows a text.
"""

from __future__ import annotations

from lineage_bridge.settings.browsers import plain_host, plain_origin
from lineage_bridge.settings.feature_views import FreshnessSla
from lineage_bridge.settings.load import FILE_NAME, load_settings
from lineage_bridge.settings.sections import (
    DEFAULT_HOME,
    Aliases,
    CheckSettings,
    CollectorSettings,
    FreshnessSettings,
    InferenceLog,
    Policies,
    ServingSettings,
    Settings,
)

__all__ = [
    "DEFAULT_HOME",
    "FILE_NAME",
    "Aliases",
    "CheckSettings",
    "CollectorSettings",
    "FreshnessSettings",
    "FreshnessSla",
    "InferenceLog",
    "Policies",
    "ServingSettings",
    "Settings",
    "load_settings",
    "plain_host",
    "plain_origin",
]
