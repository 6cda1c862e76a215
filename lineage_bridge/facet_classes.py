"""Our facets as classes for users of openlineage-python.

Each is an attrs class on the client's own base classes, so it goes wherever a standard facet goes:

    Run(run_id, facets={"lineageBridge_training": LineageBridgeTrainingRunFacet(...)})

They are made from the definitions in `facets`, which give each field's unit and source: a class has
the name of its schema, and its fields are named as on the wire, as in the client's own classes.
Absent and non-finite values are left out at any depth, because the client's encoder would write a
bare NaN.
Source: `openlineage.client.generated.base`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import attr
import msgspec
from openlineage.client.generated.base import BaseFacet, DatasetFacet, RunFacet

from lineage_bridge.facets import PRODUCER, Facet, definitions, plain


class _Ours:
    """The part that all classes of our facets share."""

    __slots__ = ()

    def __attrs_post_init__(self) -> None:
        """Name our producer where none is named, and leave out values that JSON cannot hold."""
        facet = cast("BaseFacet", self)
        facet._producer = facet._producer or PRODUCER  # noqa: SLF001 - the client's field
        facet._schemaURL = facet._get_schema()  # noqa: SLF001
        for field in attr.fields(type(facet)):
            given = getattr(facet, field.name)
            setattr(facet, field.name, plain({"it": given}).get("it"))


def _class_of(definition: type[Facet]) -> type[BaseFacet]:
    base = RunFacet if definition.is_of_run() else DatasetFacet
    fields = {
        field.encode_name: attr.field()
        if field.default is msgspec.NODEFAULT
        else attr.field(default=None)
        for field in msgspec.structs.fields(definition)
    }
    made = attr.make_class(
        definition.schema,
        fields,
        bases=(_Ours, base),
        class_body={
            "_get_schema": staticmethod(definition.schema_url),
            "__doc__": f"`{definition.key}`: {definition.__doc__}",
            "__module__": __name__,
        },
        kw_only=True,
        slots=True,
    )
    return cast("type[BaseFacet]", made)


# Facet key -> its class.
CLASSES: Final[Mapping[str, type[BaseFacet]]] = {
    key: _class_of(definition) for key, definition in definitions().items()
}
_BY_NAME: Final = {made.__name__: made for made in CLASSES.values()}


def __getattr__(name: str) -> Any:
    """Return a class by its name, so that it can be imported from here and pickled."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted([*globals(), *_BY_NAME])
