"""The `freshness_sla` of feature views: how old a feature store promises that a view may get.

A view is a YAML document with `name` and `freshness_sla`, such as `30m`, `2h` or `1d`; whatever
else it says is not read. A file may hold several, one after the other or in a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lineage_bridge.errors import SettingsError

_SUFFIXES: Final = frozenset({".yaml", ".yml"})
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SLA: Final = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)([smhdw])", re.ASCII)
_MOST_BYTES: Final = 1_000_000  # a view is a page of text; a file of data is a mistake


@dataclass(frozen=True, slots=True)
class FreshnessSla:
    """The promise of one view.

    Attributes:
        view: its name.
        seconds: the age that its data should not reach, above 0.
        path: the file that says so.
    """

    view: str
    seconds: float
    path: Path


def read_feature_views(paths: Iterable[Path]) -> Iterator[FreshnessSla]:
    """Read what the views in some files say, and in all YAML files of some folders.

    Raises:
        SettingsError: a file is missing or no YAML, a view has no name, or its promise is no
            duration; names the file and the key. Of a folder, files that tell of no view are left
            alone.
    """
    of_view: dict[str, FreshnessSla] = {}
    for path in paths:
        for file in _files(path):
            for sla in _slas(file, is_named=file == path):
                other = of_view.setdefault(sla.view, sla)
                if other.seconds != sla.seconds:
                    raise SettingsError(
                        f"`freshness_sla` of the feature view `{sla.view}` in `{sla.path}` is "
                        f"not what `{other.path}` says: keep one of them."
                    )
    yield from of_view.values()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES)
    return [path]


def _slas(path: Path, *, is_named: bool) -> Iterator[FreshnessSla]:
    views = [view for document in _documents(path) for view in _listed(document)]
    found = [view for view in views if isinstance(view, dict) and "freshness_sla" in view]
    if is_named and not found:
        raise SettingsError(f"The feature view `{path}` has no key `freshness_sla`.")
    for view in found:
        name = view.get("name")
        if not isinstance(name, str) or not name:
            raise SettingsError(f"`name` of a feature view in `{path}`: expected a text.")
        yield FreshnessSla(name, _seconds(view["freshness_sla"], name, path), path)


def _listed(document: Any) -> list[Any]:
    return document if isinstance(document, list) else [document]


def _documents(path: Path) -> list[Any]:
    import yaml

    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise SettingsError(
                f"`{path}` in `policies.feature_views` has over {_MOST_BYTES:,} bytes: "
                "that is no feature view."
            )
        return list(yaml.safe_load_all(content))
    except OSError as exc:
        raise SettingsError(f"Cannot read the feature view `{path}`: {exc.strerror}.") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        first = str(exc).splitlines()[0] if str(exc) else "it is nested too deeply"
        raise SettingsError(f"The feature view `{path}` is no YAML: {first}.") from exc


def _seconds(value: Any, view: str, path: Path) -> float:
    match = _SLA.fullmatch(value) if isinstance(value, str) else None
    seconds = float(match[1]) * _UNITS[match[2]] if match is not None else 0.0
    if not seconds:
        raise SettingsError(
            f"`freshness_sla` of the feature view `{view}` in `{path}`: expected a duration such "
            "as 30m, 2h or 1d."
        )
    return seconds
