"""`lineage-bridge alias`: explain identities, and declare those that no artifact states."""

from __future__ import annotations

from collections.abc import Sequence
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
from lineage_bridge.naming import FEATURES_FORM, MODEL_FORM, canonical_version, former_name
from lineage_bridge.settings import FILE_NAME, Settings

if TYPE_CHECKING:
    from lineage_bridge.journal import Journal
    from lineage_bridge.link.outcome import Decision

KINDS = {"dataset": "datasets", "model": "models", "run": "runs"}


@click.group()
def alias() -> None:
    """Explain and declare identities: which node an artifact's words mean."""


@alias.command()
@click.argument("node")
@with_settings
@json_option
def why(settings: Settings, node: str, *, as_json: bool) -> None:
    """Show each decision that led to NODE, written as for `path`, with @<version> or without.

    A job or a run means what it read and wrote.
    """
    from lineage_bridge.show.lineage.tables import decision_table
    from lineage_bridge.show.tables import print_tables

    decisions = _decisions_about(settings, node)
    if as_json:
        echo_json([_shape(decision) for decision in decisions])
        return
    if decisions:
        print_tables([decision_table(decisions)])
    else:
        say(f"Nothing had to be decided about `{node}`: the events themselves name it.")


def _decisions_about(settings: Settings, node: str) -> list[Decision]:
    from lineage_bridge.errors import NodeNotFoundError
    from lineage_bridge.ingest.doctor import diagnose

    with open_journal(settings, readonly=True) as journal:
        bring_up_to_date(journal, settings, "graph", "identities")
        decisions = diagnose(journal, in_namespace_of_home(settings)).decisions
        found = [d for d in decisions if node in _spellings(d)]
        if found:
            return found
        try:
            return _in_graph(journal, node, decisions)
        except NodeNotFoundError as exc:
            is_id = ":" in node
            known = {d.node if is_id else _name(d) for d in decisions}
            raise NodeNotFoundError(node, sorted({*known, *exc.known})) from exc


def _in_graph(journal: Journal, text: str, decisions: Sequence[Decision]) -> list[Decision]:
    """Find the decisions about what somebody means by a text; of a job, about its datasets.

    Raises:
        NodeNotFoundError: nothing in the graph has that name.
    """
    from lineage_bridge.graph.find import find, read_parents
    from lineage_bridge.graph.load import load
    from lineage_bridge.graph.steps import Steps

    with journal.reading() as connection:
        graph = load(connection, keys=())
        meant = find(graph, text, lambda: read_parents(connection, graph))
    ends = {meant}
    if graph.nodes[meant.node].kind == "job":
        steps = Steps(graph)
        runs = steps.ends(meant)
        ends = {step.source for run in runs for step in steps.up(run)}
        ends |= {step.target for run in runs for step in steps.down(run)}
    ids = {d.node: node.id for d in decisions if (node := graph.called(d.node)) is not None}
    return [
        d
        for d in decisions
        if d.node in ids and {(ids[d.node], d.version), (ids[d.node], None)} & ends
    ]


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
    from lineage_bridge.show.lineage.tables import alias_table
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
@click.option(
    "--force", is_flag=True, help="Also if no artifact says SAID, or TARGET is not known."
)
@with_settings
def add(settings: Settings, kind: str, said: str, target: str, *, force: bool) -> None:
    """Declare that SAID means TARGET, in lineage-bridge.toml.

    \b
    dataset: a dataset's name in an artifact -> features.<store>.<name>[@<version>]
    model:   a model's name in an artifact   -> models.<name>
    run:     a training's run id             -> the dataset it read, with @<version>

    What no artifact ever said is refused, and so is a dataset or version that nobody knows: it
    would be a new node in the graph. The next backfill links everything anew.
    """  # noqa: D301 - click wants the backspace itself
    _check_form(kind, said, target)
    before = None if force else _check_known(settings, kind, said, target)
    path = settings.config_path or Path(FILE_NAME)
    declared = getattr(settings.aliases, KINDS[kind]).get(said)
    _write_alias(path, KINDS[kind], said, target)
    say(f'{path}: [aliases.{KINDS[kind]}] "{said}" = "{target}". Run the backfill again.')
    if declared is not None and declared != target:
        say(f'It replaces the line "{said}" = "{declared}".')
    elif before:
        say(f"So far it meant {', '.join(before)}.")


def _check_form(kind: str, said: str, target: str) -> None:
    from pydantic import ValidationError

    from lineage_bridge.settings import Aliases

    try:
        Aliases.model_validate({KINDS[kind]: {said: target}})
    except ValidationError as exc:
        form = MODEL_FORM if kind == "model" else f"{FEATURES_FORM}[@<version>]"
        what = f"{target!r} is not of the form {form}"
        raise click.BadParameter(what, param_hint="TARGET") from exc


def _check_known(settings: Settings, kind: str, said: str, target: str) -> list[str]:
    """Refuse a word or a target that nobody knows; return what the word meant so far."""
    from lineage_bridge.ingest.doctor import vocabulary
    from lineage_bridge.show.text import did_you_mean

    with open_journal(settings, readonly=True) as journal:
        bring_up_to_date(journal, settings, "identities")
        known = vocabulary(journal, in_namespace_of_home(settings))
    means = known.means(kind, said)
    if means is None:
        near = did_you_mean(said, sorted(known.words(kind)))
        what = _refusal(f"no artifact says {said!r} of a {kind}.", near)
        raise click.BadParameter(what, param_hint="SAID")
    name, _, version = target.partition("@")
    if name not in known.versions:
        near = did_you_mean(name, sorted(known.versions))
        what = _refusal(f"nobody knows {name!r}.", near)
        raise click.BadParameter(what, param_hint="TARGET")
    if version and canonical_version(version) not in known.versions[name]:
        near = did_you_mean(version, sorted(known.versions[name]))
        what = _refusal(f"nobody knows version {version!r} of {name}.", near)
        raise click.BadParameter(what, param_hint="TARGET")
    return means


def _refusal(what: str, near: str) -> str:
    return " ".join(filter(None, [what, near, "--force writes it all the same."]))


def _write_alias(path: Path, section: str, said: str, target: str) -> None:
    """Write the line of that alias; comments and everything else stay."""
    import tomlkit

    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    document = tomlkit.parse(text)
    aliases = document.setdefault("aliases", tomlkit.table(is_super_table=True))
    aliases.setdefault(section, tomlkit.table())[said] = target
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
