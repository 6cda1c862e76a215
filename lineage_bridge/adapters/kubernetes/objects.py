"""The objects in a file of Kubernetes: of a list, of several documents, or a single one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lineage_bridge.adapters.documents import check_lengths, parse_json, shown
from lineage_bridge.adapters.yaml_documents import parse_yaml
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known
from lineage_bridge.times import parse_time

_SIGNS: Final = (b"apiVersion", b"kind")
MAX_COUNT: Final = 2**31 - 1  # of replicas, as the API has them
DEFAULT_NAMESPACE: Final = "default"  # what kubectl takes where none is named


def is_of_kubernetes(content: bytes) -> bool:
    """Return whether a file may hold objects of Kubernetes."""
    return all(sign in content for sign in _SIGNS)


@dataclass(frozen=True, slots=True)
class Object:
    """One object.

    Attributes:
        document: all of it.
        field: its place in the file, such as `items.3`; empty if it is the whole file.
        line: that it begins at, None where that is not known.
    """

    document: Mapping[str, Any]
    field: str
    line: int | None = None

    @property
    def kind(self) -> str:
        """Such as `Deployment`."""
        return str(self.document.get("kind"))

    @property
    def group(self) -> str:
        """The group of its API: `apps`, `serving.kserve.io`; empty of the core's."""
        return str(self.document.get("apiVersion")).rpartition("/")[0]

    @property
    def api_version(self) -> str:
        """The version of its API, without the group."""
        return str(self.document.get("apiVersion")).rpartition("/")[2]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Names and annotations."""
        return section(self.document, "metadata")

    @property
    def name(self) -> str:
        """Its name.

        Raises:
            ArtifactError: it has none.
        """
        name = self.metadata.get("name")
        if not isinstance(name, str) or known(name) is None:
            raise ArtifactError(f"expected a name, found {shown(name)}", field="metadata.name")
        check_lengths({"metadata.name": name})
        return name

    @property
    def namespace(self) -> str:
        """The namespace that it lies in."""
        return known(text_of(self.metadata, "namespace")) or DEFAULT_NAMESPACE

    @property
    def status(self) -> Mapping[str, Any]:
        """What the cluster says of it; a manifest has none."""
        return section(self.document, "status")

    @property
    def has_state(self) -> bool:
        """Whether a cluster tells of it."""
        return bool(self.status) and "creationTimestamp" in self.metadata

    @property
    def is_observed(self) -> bool:
        """Whether the cluster has seen its newest specification."""
        generation = self.metadata.get("generation")
        observed = self.status.get("observedGeneration")
        if not isinstance(generation, int) or not isinstance(observed, int):
            return True
        return observed >= generation

    def annotations(self) -> Iterator[tuple[str, str]]:
        """Yield its annotations that are texts."""
        for key, value in section(self.metadata, "annotations").items():
            if isinstance(value, str):
                yield key, value

    def condition(self, kind: str) -> Mapping[str, Any]:
        """Return a condition of its status; empty if it has none of that type."""
        conditions = self.status.get("conditions")
        for one in conditions if isinstance(conditions, list) else ():
            if isinstance(one, dict) and one.get("type") == kind:
                return one
        return {}

    def placed(self, error: ArtifactError) -> ArtifactError:
        """Return an error of a field of it with the field's place in the file."""
        field = ".".join(filter(None, (self.field, error.field)))
        return ArtifactError(error.reason, field=field or None, line=error.line or self.line)


def read_objects(content: bytes, name: str) -> tuple[list[Object], list[ArtifactError]]:
    """Read a file of JSON or YAML: its objects, and what is none.

    Raises:
        ArtifactError: nothing of it can be read.
    """
    documents: list[tuple[Any, int | None]]
    if name.lower().endswith(".json"):
        documents = [(parse_json(content), None)]
    else:
        documents = [*parse_yaml(content)]
    objects: list[Object] = []
    errors: list[ArtifactError] = []
    for value, line in documents:
        _take(value, "", line, objects, errors)
    return objects, errors


def _take(
    value: Any,
    field: str,
    line: int | None,
    objects: list[Object],
    errors: list[ArtifactError],
) -> None:
    if not isinstance(value, dict):
        reason = f"expected an object of Kubernetes, found {shown(value)}"
        errors.append(ArtifactError(reason, field=field or None, line=line))
        return
    items = value.get("items")
    if isinstance(items, list) and str(value.get("kind")).endswith("List"):
        for number, item in enumerate(items):
            _take(item, f"{field}.items.{number}".lstrip("."), line, objects, errors)
        return
    if "apiVersion" in value and "kind" in value:
        objects.append(Object(value, field, line))


def merged(errors: Sequence[ArtifactError]) -> Iterator[ArtifactError]:
    """Yield one error for each line: of several in one place the first, with the others in it."""
    by_line: dict[int, list[ArtifactError]] = defaultdict(list)
    for error in errors:
        by_line[error.line or 0].append(error)
    for line, (first, *others) in by_line.items():
        also = "".join(f"; also {error}" for error in others[:MOST_IN_ONE])
        more = len(others) - MOST_IN_ONE
        rest = f"; and {more} more" if more > 0 else ""
        yield ArtifactError(first.reason + also + rest, field=first.field, line=line or None)


MOST_IN_ONE: Final = 20


def section(document: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return an object within an object; empty where there is none."""
    found: Any = document
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def objects_in(value: Any, field: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects in a list, each after its place.

    Raises:
        ArtifactError: it is no list, or one of its members is no object.
    """
    if value is None:
        return
    if not isinstance(value, list):
        raise ArtifactError(f"expected a list, found {shown(value)}", field=field)
    for number, item in enumerate(value):
        if not isinstance(item, dict):
            reason = f"expected an object, found {shown(item)}"
            raise ArtifactError(reason, field=f"{field}.{number}")
        yield f"{field}.{number}", item


def text_of(document: Mapping[str, Any], *names: str) -> str | None:
    """Return a text within an object; None where there is none, or a blank one."""
    *above, last = names
    value = section(document, *above).get(last)
    if not isinstance(value, str) or not value.strip():
        return None
    check_lengths({".".join(names): value})
    return value


def count_of(document: Mapping[str, Any], *names: str) -> int | None:
    """Return a number of replicas within an object, None where there is none.

    Raises:
        ArtifactError: it is no such number.
    """
    *above, last = names
    value = section(document, *above).get(last)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        reason = f"expected a whole number from 0 to {MAX_COUNT:,}, found {shown(value)}"
        raise ArtifactError(reason, field=".".join(names))
    return value


def time_of(document: Mapping[str, Any], *names: str) -> Any:
    """Return a time within an object, None where there is none.

    Raises:
        ArtifactError: it is no time with a zone.
    """
    text = text_of(document, *names)
    if text is None:
        return None
    field = ".".join(names)
    try:
        stamp = parse_time(text)
    except ValueError as exc:
        raise ArtifactError(str(exc), field=field) from exc
    if not stamp.zoned:
        raise ArtifactError("expected a time with a zone (Z or an offset)", field=field)
    return stamp.instant


def first_of(values: Iterable[str | None]) -> str | None:
    """Return the first text that there is."""
    return next((value for value in values if value), None)
