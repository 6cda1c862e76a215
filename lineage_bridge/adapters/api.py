"""The interface of adapters: what a family of artifacts has to say and to do, and what it is given.

An adapter is an object with a name, a title, a version and two methods. `recognise` says which kind
of its files lies at a place, and `read` turns one artifact into records. It has no clock, no
network and no state; it reads nothing but through the artifact that it is given. A package
elsewhere names its adapter as an entry point of the group `lineage_bridge.adapters`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Record

if TYPE_CHECKING:
    from lineage_bridge.adapters.artifact import Artifact

API: Final = 1  # raised when an adapter that was written for an earlier one cannot be used

Form = Literal["whole", "lines", "windows", "rows", "part"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of files of a family.

    Attributes:
        name: for people, in counts: `bundle`.
        form: how it is read: as a `whole`; by `lines`, each of them an artifact of its own, of a
            file that may still grow; as serving `windows`, which `observe` judges over time; as
            `rows` of an inference log, which `observe` reads; or not by itself, as a `part` of
            another artifact.
        companions: files beside it that are read together with it, so that a change of one has all
            of them read again; a name that ends in `/` is a folder with all files in it, and one
            that begins with `../` is looked for above, as far as the named folder.
        encloses: whether the folder that it lies in is all its own, so that a walk looks for
            nothing else in there and below: an artifact that is a folder is known by one file.
        is_store: whether it tells of all that there is, at any time: what it tells no more is taken
            back. Of any other file, what something later was written over did happen.
    """

    name: str
    form: Form = "whole"
    companions: tuple[str, ...] = ()
    encloses: bool = False
    is_store: bool = False


@dataclass(slots=True)
class Place:
    """Where a file lies: all by which it is recognised, as nothing was opened yet.

    Attributes:
        name: the file's name in lower case.
        folders: the names of the folders from the named one down to the file, as they are spelled.
        is_folder: whether it is a folder with such a name, which is rejected if it is recognised.
    """

    name: str
    folders: tuple[str, ...] = ()
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A companion that cannot be read: its own facts are lost, and not the record.

    Attributes:
        companion: as in `Kind.companions`, or a file in such a folder.
    """

    companion: str
    error: ArtifactError


class Adapter(Protocol):
    """One family of artifacts.

    It may have two more members. `enters(folder)` tells whether the family's artifacts lie in a
    folder of a tool's that nobody else looks into, by the folder's name as it is spelled. `server`
    is the kind of a family's artifact that is a server, which somebody names by its URL.
    """

    @property
    def api(self) -> int:
        """The interface that it was written for: `API` of that time."""
        ...

    @property
    def name(self) -> str:
        """The family in flags, tables and rejections: lower-case letters, digits and `-`."""
        ...

    @property
    def title(self) -> str:
        """What its artifacts are, for `--help`."""
        ...

    @property
    def version(self) -> int:
        """Raised when artifacts are read differently: all the family's files are read again."""
        ...

    def recognise(self, place: Place) -> Kind | None:
        """Return the kind of file that lies at a place; None if it is none of the family's."""
        ...

    def read(self, artifact: Artifact) -> Iterable[Record | Problem]:
        """Read a whole file, or one line of a file that is read by lines.

        Nothing at all comes of an artifact that turns out to be of another family or kind.

        Raises:
            ArtifactError: the artifact cannot be read; with the field and the reason.
        """
        ...


def server_kind(adapter: Adapter) -> Kind | None:
    """Return the kind of a family's artifacts that are servers, None if it has none."""
    kind = getattr(adapter, "server", None)
    return kind if isinstance(kind, Kind) else None


def enters(adapter: Adapter, folder: str) -> bool:
    """Return whether a family's artifacts lie in a folder of a tool's, by the folder's name."""
    of_family = getattr(adapter, "enters", None)
    return bool(of_family is not None and of_family(folder))
