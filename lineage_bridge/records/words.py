"""The words by which an artifact names things: claims (I made it) and references (I read it).

Both carry every word that the artifact has for the thing, as it spells them, and the field that
they came from, so that a reference that nobody can resolve can be shown with its place and with
what would mend it. `link` compares the words of references with the words of claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec
import orjson

from lineage_bridge.facets.event import Words

PATH_PARTS = 4  # of a path: enough to tell files apart, too little to show a whole machine

_SEPARATORS = re.compile(r"[/\\]+")

What = Literal["dataset", "model", "table"]


class Source(msgspec.Struct, frozen=True):
    """Where a record was found.

    Attributes:
        family: the family of the artifact, or `JOURNAL` for a record that an event tells of.
        path: absolute path; of the journal's records as shown.
        shown: path relative to the folder that the user named.
        sha256: of the file's bytes, None if it was not read whole.
        line: counted from 1, None for a whole file.
        second_hand: whether the artifact repeats facts of other artifacts, which outrank it.
    """

    family: str
    path: str
    shown: str
    sha256: str | None = None
    line: int | None = None
    second_hand: bool = False

    def is_same_artifact(self, other: Source) -> bool:
        """Tell whether two records come from one artifact, perhaps read at different times."""
        if self.sha256 is not None and self.sha256 == other.sha256:
            return True
        return (self.shown, self.line) == (other.shown, other.line)


JOURNAL = "journal"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says that it made: "this is model N @V, at this path, with this hash".

    Attributes:
        name: a dataset's is its file's stem.
        version: as the artifact spells it; None where it has none.
        spellings: other spellings of the version, such as a folder's name.
        within: a word that the name stands under, where the name alone says too little: an
            algorithm that is the only name of a model.
        path: of the file, for references by path; its last parts count.
        sha256, md5: of the content, for references by hash.
        field: the artifact's field that the name came from.
        declared: the dataset that somebody's settings say it is; those at hand go before.
    """

    what: What = "dataset"
    name: str
    version: str | None = None
    spellings: tuple[str, ...] = ()
    within: str | None = None
    path: str | None = None
    sha256: str | None = None
    md5: str | None = None
    field: str | None = None
    declared: str | None = None


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says that it read or serves, in any words that its artifact has for it.

    Attributes:
        namespace: of a dataset that is named in full, as OpenLineage names it; its `name` then is
            the identity, and nothing is to be looked up.
        name: a name, or a file's stem.
        path: of the file; of a `table` that of its database.
        sha256, md5: of the content; `size_bytes` is its length, which is compared first.
        run_id: of the run that made it.
        trained_on: of a model, the version of the dataset that it was trained on.
        started, completed: of a model, when its training began and ended.
        field: the artifact's field that has these words, or should have them.
        mend: what to do at the artifact's upstream if this cannot be resolved.
        declared: see `Claim`.
        certainty: 0 to 1: below 1 where the artifact does not say that this was read, but has
            words that look as if it was.
    """

    what: What = "dataset"
    namespace: str | None = None
    name: str | None = None
    version: str | None = None
    path: str | None = None
    sha256: str | None = None
    md5: str | None = None
    size_bytes: int | None = None
    run_id: str | None = None
    trained_on: str | None = None
    started: datetime | None = None
    completed: datetime | None = None
    field: str | None = None
    mend: str | None = None
    declared: str | None = None
    certainty: float = 1.0

    @property
    def said(self) -> str:
        """The word that says most, for people; empty if the artifact has none."""
        return self.path or self.name or self.version or self.run_id or self.sha256 or ""

    @property
    def words(self) -> Words | None:
        """The words as an event keeps them; None where there are none."""
        words = Words(
            namespace=self.namespace,
            name=self.name,
            version=self.version,
            path=self.path,
            sha256=self.sha256,
            md5=self.md5,
            run_id=self.run_id,
            trained_on=self.trained_on,
            started=self.started,
            completed=self.completed,
        )
        return words if words != Words() else None


def reference_of(words: Words | None, what: What, *, field: str | None = None) -> Reference:
    """Return the reference that an event keeps the words of."""
    said = words or Words()
    return Reference(
        what=what,
        namespace=said.namespace,
        name=said.name,
        version=said.version,
        path=said.path,
        sha256=said.sha256,
        md5=said.md5,
        run_id=said.run_id,
        trained_on=said.trained_on,
        started=said.started,
        completed=said.completed,
        field=field,
    )


def artifact_key(source: Source) -> str:
    """Return what an event says of the artifact that it was made from."""
    return orjson.dumps([source.shown, source.sha256, source.line]).decode()


def subject_of(*words: str | None) -> str:
    """Write the words that tell one subject from all others as one text."""
    return orjson.dumps(words).decode()


def path_parts(path: str) -> list[str]:
    """Split a path of any operating system into its parts, without leading `.` and `..`."""
    parts = [part for part in _SEPARATORS.split(path) if part]
    while parts and parts[0] in {".", ".."}:
        parts.pop(0)
    return parts


def path_tail(path: str) -> str:
    """Return the last `PATH_PARTS` parts of a path: what references by path are compared with."""
    return "/".join(path_parts(path)[-PATH_PARTS:])


def path_ends(path: str) -> Iterator[str]:
    """Yield every end of a path that a reference may have for it, as `path_tail` writes them."""
    parts = path_parts(path)[-PATH_PARTS:]
    for begin in range(len(parts)):
        yield "/".join(parts[begin:])


def ends_with(path: str, suffix: str) -> bool:
    """Return whether a path ends with the parts of another, of which the last few count."""
    whole, tail = path_parts(path), path_parts(suffix)[-PATH_PARTS:]
    return bool(tail) and whole[-len(tail) :] == tail


def stem_of(path: str) -> str | None:
    """Return the file's name without its ending, None of an empty path."""
    parts = path_parts(path)
    return parts[-1].rsplit(".", 1)[0] if parts else None
