"""`lineage-bridge alias`: explain identities, and declare those that no artifact states."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineage_bridge.cli.context import (
    bring_up_to_date,
    echo_json,
    in_namespace_of_home,
    json_option,
    open_journal,
    say,
    with_settings,
)
from lineage_bridge.naming import FEATURES_FORM, MODEL_FORM, former_name
from lineage_bridge.settings import FILE_NAME, Settings

if TYPE_CHECKING:
    from lineage_bridge.ingest.link import Decision
    from lineage_bridge.journal import Journal

KINDS = {"dataset": "datasets", "model": "models", "run": "runs"}


@click.group()
def alias() -> None:
    """Explain and declare identities: which node an artifact's words mean."""


@alias.command()
@click.argument("node")
@with_settings
@json_option
def why(settings: Settings, node: str, *, as_json: bool) -> None:
    """Show each decision that led to NODE (written as for `path`, with @<version> or without)."""
    from lineage_bridge.show.lineage import decision_table
    from lineage_bridge.show.tables import print_tables

    decisions = _decisions_about(settings, node)
    if as_json:
        echo_json([_shape(decision) for decision in decisions])
        return
    print_tables([decision_table(decisions)])


def _decisions_about(settings: Settings, node: str) -> list[Decision]:
    from lineage_bridge.errors import NodeNotFoundError
    from lineage_bridge.ingest.doctor import diagnose

    with open_journal(settings, readonly=True) as journal:
        decisions = diagnose(journal, in_namespace_of_home(settings)).decisions
        found = [d for d in decisions if node in _spellings(d)]
        if not found:
            meant = _in_graph(journal, settings, node)
            found = [d for d in decisions if meant & _spellings(d)]
    if not found:
        is_id = ":" in node
        known = {d.node if is_id else _name(d) for d in decisions}
        raise NodeNotFoundError(node, sorted(known))
    return found


def _in_graph(journal: Journal, settings: Settings, text: str) -> set[str]:
    """Find what somebody means by a text; nothing where no node has that name."""
    from lineage_bridge.errors import NodeNotFoundError
    from lineage_bridge.graph.find import find, read_parents
    from lineage_bridge.graph.load import load

    bring_up_to_date(journal, settings)
    with journal.reading() as connection:
        graph = load(connection, keys=())
        try:
            return {str(find(graph, text, lambda: read_parents(connection, graph)))}
        except NodeNotFoundError:
            return set()


def _spellings(decision: Decision) -> set[str]:
    name = _name(decision)
    beginning = decision.node.removesuffix(name)
    names = {
        spelled
        for known in filter(None, (name, former_name(name)))
        for spelled in (
            known,
            f"{beginning.removeprefix('dataset:')}{known}",
            f"{beginning}{known}",
        )
    }
    return names | {f"{n}@{decision.version}" for n in names}


def _name(decision: Decision) -> str:
    return decision.node.rsplit(":", 1)[-1]


def _shape(decision: Decision) -> dict[str, Any]:
    link = decision.link
    shape = {
        "node": decision.node,
        "version": decision.version,
        "said": decision.said,
        "path": decision.path,
        "method": link.method,
        "confidence": link.confidence,
        "evidence": link.evidence,
    }
    return {name: value for name, value in shape.items() if value is not None}


@alias.command("list")
@with_settings
@json_option
def list_(settings: Settings, *, as_json: bool) -> None:
    """List what lineage-bridge.toml declares."""
    from lineage_bridge.show.lineage import alias_table
    from lineage_bridge.show.tables import print_tables

    declared = settings.aliases.model_dump()
    path = str(settings.config_path or "")
    if as_json:
        echo_json({"path": path, "aliases": declared})
        return
    by_kind = {kind: declared[section] for kind, section in KINDS.items()}
    print_tables([alias_table(by_kind, path=path)])


@alias.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("said")
@click.argument("target")
@with_settings
def add(settings: Settings, kind: str, said: str, target: str) -> None:
    """Declare that SAID means TARGET, in lineage-bridge.toml.

    \b
    dataset: a dataset's name in an artifact -> features.<store>.<name>[@<version>]
    model:   a model's name in an artifact   -> models.<name>
    run:     a training's run id             -> the dataset it read, with @<version>

    The next backfill links everything anew.
    """  # noqa: D301 - click wants the backspace itself
    from pydantic import ValidationError

    from lineage_bridge.settings import Aliases

    try:
        Aliases.model_validate({KINDS[kind]: {said: target}})
    except ValidationError as exc:
        form = MODEL_FORM if kind == "model" else f"{FEATURES_FORM}[@<version>]"
        what = f"{target!r} is not of the form {form}"
        raise click.BadParameter(what, param_hint="TARGET") from exc
    path = settings.config_path or Path(FILE_NAME)
    _write_alias(path, KINDS[kind], said, target)
    say(f'{path}: [aliases.{KINDS[kind]}] "{said}" = "{target}". Run the backfill again.')


def _write_alias(path: Path, section: str, said: str, target: str) -> None:
    """Write the line of that alias; comments and everything else stay."""
    import tomlkit

    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    document = tomlkit.parse(text)
    aliases = document.setdefault("aliases", tomlkit.table(is_super_table=True))
    aliases.setdefault(section, tomlkit.table())[said] = target
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
