"""The documents tell the truth: commands exist, links lead somewhere, everything is described."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from lineage_bridge.adapters import documents, files, lines, parquet_footer
from lineage_bridge.cli.main import COMMANDS, cli
from lineage_bridge.ingest import line_files, read
from lineage_bridge.observe import quarantine
from lineage_bridge.profiles import footers

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")]


def all_commands(group, prefix=()):
    context = click.Context(cli)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*prefix, name), command
        if isinstance(command, click.Group):
            yield from all_commands(command, (*prefix, name))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_in_the_documents_exist(page):
    known = {" ".join(words) for words, _ in all_commands(cli)}
    for line in re.findall(
        r"^(?:.*=\S+ )?(?:lineage-bridge|lb) ([a-z].*)$", page.read_text(), re.MULTILINE
    ):
        words = line.split("#")[0].split()
        group = words[0] in {"journal", "alias"}
        name = " ".join(words[: 2 if group else 1])
        options = [name] if "{" not in line else []
        for option in options:
            assert option in known or "|" in option, line


def test_every_command_and_option_is_described():
    for words, command in all_commands(cli):
        assert command.help, words
        for parameter in command.get_params(click.Context(command)):
            if isinstance(parameter, click.Option):
                assert parameter.help or parameter.name == "help", (words, parameter.name)


def test_the_bounds_of_readers_are_those_of_the_code():
    page = (ROOT / "docs" / "adapters.md").read_text()
    for bound in (
        f"{files.MAX_BYTES // 2**20} MiB | a file that is read as a whole, a companion, one line",
        f"{footers.MOST_BYTES // 2**20} MiB | the footer",
        f"{documents.MAX_TEXT_CHARACTERS:,} characters |",
        f"{documents.MAX_ITEMS:,} | metrics, parameters or columns",
        f"{parquet_footer.MAX_METADATA_KEYS:,} | keys of a parquet file's metadata",
        f"{documents.MAX_DEPTH} levels | of JSON",
        f"{documents.MAX_NESTED:,} | objects and lists",
        f"{lines.MAX_SKIPPED_BYTES // 2**20:,} MiB | a line that is skipped",
        f"{read.MAX_RECORDS:,} records | of one file",
        f"{read.MAX_RECORDS_OF_LINE:,} records | of one line",
        f"{line_files.PART_LINES:,} lines or {line_files.PART_SECONDS:.0f} s |",
        f"{quarantine.KEPT_OF_A_FILE:,} rejections | of one file",
        f"{quarantine.KEPT_REASONS} reasons | of the others",
        f"{quarantine.KEPT_IN_ALL:,} rejections | in all",
        f"{quarantine.LISTED:,} rejections | told",
    ):
        assert f"| {bound}" in page, bound
    assert files.MAX_BYTES == lines.MAX_LINE_BYTES
    assert documents.MAX_ITEMS == files.MAX_ENTRIES


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_code_that_the_documents_name_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:lineage_bridge|tests|docs|examples)/[\w./]*)`", text)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_each_room_is_told_of_once():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z/]+)/` \|", text, re.MULTILINE)
    assert len(rows) == len(set(rows))


def test_the_line_in_the_overview_is_there_for_every_command():
    assert all(line.endswith(".") for _, _, line in COMMANDS.values())


def test_the_rooms_are_those_of_the_architecture():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    package = ROOT / "lineage_bridge"
    folders = {str(path.parent.relative_to(package)) for path in package.rglob("*.py")} - {"."}
    named = re.findall(r"`([a-z/]+)/`", re.findall(r"## Rooms\n(.*?)\n## ", text, re.DOTALL)[0])
    assert set(named) == folders | {"schemas"}
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contract["tool"]["importlinter"]["contracts"][0]["layers"]
    assert "```\n" + "\n".join(layers) + "\n```\n" in text


def test_no_module_is_over_four_hundred_lines():
    modules = [*ROOT.glob("lineage_bridge/**/*.py"), *ROOT.glob("integrations/**/*.py")]
    long = {str(p): n for p in modules if (n := len(p.read_text().splitlines())) > 400}
    assert not long
