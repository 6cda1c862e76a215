"""The names in a PromQL expression, as far as our rules and panels use the language."""

from __future__ import annotations

import re

from lineage_bridge.exporter.families import METRICS

# PromQL's own words.
WORDS = {
    *("absent", "and", "by", "delta", "inf", "label_replace", "max", "min", "offset", "on", "or"),
    *("rate", "sum", "time", "topk", "unless"),
}
# What Prometheus itself adds.
OF_PROMETHEUS = {"up": {"job"}, "ALERTS": {"alertname", "alertstate", "area", "severity"}}
_PARTS = ("", "_bucket", "_sum", "_count")

KNOWN: dict[str, set[str]] = {
    f"{metric.name}{part}": set(metric.labels)
    for metric in METRICS
    for part in (_PARTS[1:] if metric.kind == "histogram" else _PARTS[:1])
} | OF_PROMETHEUS


def names_in(expr: str) -> tuple[set[str], set[str]]:
    """Return the names of metrics, and those of labels that are matched or grouped by."""
    bare = re.sub(r'"[^"]*"', "", expr)
    matchers = re.findall(r"\{([^}]*)\}", bare)
    groups = re.findall(r"\b(?:on|by)\s*\(([^)]*)\)", bare)
    labels = set(re.findall(r"[a-z_]\w*", " ".join([*matchers, *groups])))
    rest = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(?:on|by)\s*\([^)]*\)|offset \w+", "", bare)
    named = re.findall(r"\b[A-Za-z_]\w*", rest)
    return {name for name in named if name.lower() not in WORDS}, labels


def unknown_in(expr: str) -> set[str]:
    """Return the names in an expression that neither the exporter nor Prometheus has."""
    metrics, labels = names_in(expr)
    there = set().union(*(KNOWN.get(name, set()) for name in metrics))
    return (metrics - KNOWN.keys()) | (labels - there)
