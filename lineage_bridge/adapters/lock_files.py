"""Lock files and lists of packages: which package has which version.

Read as what they are, without the tools that write them: requirements (with pins or ranges),
`pyproject.toml`, `uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`, `Cargo.lock`, conda's
`environment.yml` and lists, `package-lock.json`, `renv.lock`. Names are compared as PEP 503 says.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from lineage_bridge.adapters.documents import MAX_ITEMS, parse_object
from lineage_bridge.adapters.yaml_documents import parse_yaml
from lineage_bridge.errors import ArtifactError

MAX_PACKAGES: Final = MAX_ITEMS
MAX_NAME: Final = 500  # characters; what is longer is no name or version
_Pairs = Iterator[tuple[str, str]]

_REQUIREMENTS: Final = re.compile(
    r"(?i)[\w.-]*(?:requirements|constraints|packages|freeze)[\w.-]*\.txt"
)
_REQUIREMENT: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?P<spec>(?:[=<>!~]=?=?|@).*)?"
)
_CONDA: Final = re.compile(r"(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<spec>[=<>!~].*)?")


def is_lock_file(path: str) -> bool:
    """Return whether a file says which packages are used."""
    name = path.rpartition("/")[2]
    return name in _READERS or _REQUIREMENTS.fullmatch(name) is not None


def read_packages(path: str, content: bytes) -> dict[str, str]:
    """Return the version, or the range, of each package; of one that stands twice, both.

    Raises:
        ArtifactError: the file cannot be read.
    """
    name = path.rpartition("/")[2]
    reader = _READERS.get(name, _requirements)
    found: dict[str, set[str]] = defaultdict(set)
    try:
        for package, version in reader(content):
            if len(package) > MAX_NAME or len(version) > MAX_NAME:
                continue
            found[re.sub(r"[-_.]+", "-", package).lower()].add(version)
            if len(found) > MAX_PACKAGES:
                raise ArtifactError(f"has over {MAX_PACKAGES:,} packages, expected fewer")
    except (ValueError, RecursionError) as exc:
        raise ArtifactError(f"cannot be read as a list of packages: {exc}") from exc
    return {package: ", ".join(sorted(versions)) for package, versions in sorted(found.items())}


def _requirements(content: bytes) -> _Pairs:
    text = content.decode("utf-8-sig").replace("\\\n", " ")
    for raw in text.splitlines():
        line = re.sub(r"(?:^|\s)#.*", "", raw).strip()
        if line and not line.startswith("-"):
            yield from _requirement(re.split(r"\s--", line, maxsplit=1)[0])


def _requirement(line: str) -> _Pairs:
    found = _REQUIREMENT.match(line.partition(";")[0].strip())
    if found is not None:
        yield found["name"], _pinned(found["spec"] or "")


def _pinned(spec: str) -> str:
    """Return a version without `==`, a range as it is, `any` where nothing is said."""
    plain = spec.strip().replace(" ", "")
    exact = re.fullmatch(r"={1,3}([^=<>!~,*]+)", plain)
    return exact[1] if exact is not None else plain or "any"


def _toml_packages(content: bytes) -> _Pairs:
    for package in _list(tomllib.loads(content.decode("utf-8-sig")).get("package")):
        yield from _named(package, "name", "version")


def _pyproject(content: bytes) -> _Pairs:
    project = tomllib.loads(content.decode("utf-8-sig")).get("project", {})
    listed = [project.get("dependencies", ())] if isinstance(project, dict) else []
    extras = project.get("optional-dependencies", {}) if isinstance(project, dict) else {}
    listed += list(extras.values()) if isinstance(extras, dict) else []
    for lines in listed:
        for line in _list(lines):
            yield from _requirement(str(line))


def _pipfile(content: bytes) -> _Pairs:
    document = parse_object(content)
    for section in ("default", "develop"):
        for name, package in _members(document.get(section)):
            version = package.get("version") if isinstance(package, dict) else package
            yield name, _pinned(str(version or ""))


def _npm(content: bytes) -> _Pairs:
    document = parse_object(content)
    packages = document.get("packages")
    for path, package in _members(packages or document.get("dependencies")):
        name = path.rpartition("node_modules/")[2]
        if name and isinstance(package, dict) and "version" in package:
            yield name, str(package["version"])


def _renv(content: bytes) -> _Pairs:
    for name, package in _members(parse_object(content).get("Packages")):
        if isinstance(package, dict):
            yield name, str(package.get("Version", "any"))


def _conda(content: bytes) -> _Pairs:
    for document in parse_yaml(content):
        listed = document.value if isinstance(document.value, dict) else {}
        for package in _list(listed.get("package")):
            yield from _named(package, "name", "version")
        yield from _conda_lines(listed.get("dependencies"))


def _conda_lines(lines: Any) -> _Pairs:
    for line in _list(lines):
        if isinstance(line, dict):
            for requirement in _list(line.get("pip")):
                yield from _requirement(str(requirement))
            continue
        found = _CONDA.fullmatch(str(line).rpartition("::")[2].strip())
        if found is not None:
            spec = found["spec"] or ""
            version = spec.lstrip("=").partition("=")[0] if spec.startswith("=") else spec
            yield found["name"], version or "any"


def _named(package: Any, name: str, version: str) -> _Pairs:
    if isinstance(package, dict) and isinstance(package.get(name), str):
        yield package[name], str(package.get(version, "any"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _members(document: Any) -> Iterable[tuple[str, Any]]:
    return document.items() if isinstance(document, dict) else ()


_READERS: Final[Mapping[str, Callable[[bytes], _Pairs]]] = {
    "uv.lock": _toml_packages,
    "poetry.lock": _toml_packages,
    "pdm.lock": _toml_packages,
    "pylock.toml": _toml_packages,
    "Cargo.lock": _toml_packages,
    "pyproject.toml": _pyproject,
    "Pipfile.lock": _pipfile,
    "package-lock.json": _npm,
    "renv.lock": _renv,
    "environment.yml": _conda,
    "environment.yaml": _conda,
    "conda-lock.yml": _conda,
    "conda.yaml": _conda,
}
