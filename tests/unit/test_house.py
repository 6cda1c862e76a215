"""What must be said in one place only, is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import lineage_bridge

PACKAGE = Path(lineage_bridge.__file__).parent
# These write what was made harmless elsewhere: JSON, TOML, metrics, diagrams, an error, no text.
ALLOWED = {
    "context.py": {"printable(pasteable(line))", "json_text(document)", "json_line(document)"},
    "main.py": {"f'Error: {error_text(exc)}'", "traceback_text(exc)"},
    "exporter.py": {"_exposition(journal, settings, at, compat)"},
    "views.py": {"diagrams.mermaid(shown)", "diagrams.dot(shown)"},
    "checks.py": {"toml_text({'checks': {name: section}})"},
    "demo.py": {""},
    "rules.py": {"text"},
}


# One module each for what anybody may add to, and for each command.
OPEN_LISTS = {"facets", "adapters", "cli", "assess/checks"}
MOST_MODULES = 15


def test_a_folder_is_small_enough_to_be_seen_at_once():
    folders = [path for path in [PACKAGE, *PACKAGE.rglob("*")] if path.is_dir()]
    counts = {
        str(folder.relative_to(PACKAGE)): len(
            [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        )
        for folder in folders
    }
    crowded = {name: n for name, n in counts.items() if n > MOST_MODULES}
    assert crowded.keys() <= OPEN_LISTS, crowded


def calls(tree, *names):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            yield ast.unparse(node.args[0]) if node.args else ""


@pytest.mark.parametrize("path", sorted((PACKAGE / "cli").glob("*.py")), ids=lambda p: p.name)
def test_commands_print_through_what_makes_names_harmless(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert set(calls(tree, "click.echo", "print")) <= ALLOWED.get(path.name, set())


def test_only_one_module_guesses_what_was_meant():
    users = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "get_close_matches" in path.read_text(encoding="utf-8")
    ]
    assert users == ["show/text.py"]


OURS = "observe|predictions|models|features|build|train|serve|publish"
NO_NAMES = {"models.db"}  # a file


def spelled(tree):
    """Texts in which a name of ours begins, such as `models.` or `-> train.`; prose is none."""
    for node in ast.walk(tree):
        for part in node.values if isinstance(node, ast.JoinedStr) else ():
            if isinstance(part, ast.Constant) and re.search(rf"\b({OURS})\.(?!\s)", part.value):
                yield part.value
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if re.match(rf"\W*({OURS})\.(?!\s)", text):
                yield text


def test_only_naming_knows_how_names_begin():
    found = {
        (str(path.relative_to(PACKAGE)), text)
        for path in PACKAGE.rglob("*.py")
        for text in spelled(ast.parse(path.read_text(encoding="utf-8")))
        if text not in NO_NAMES
    }
    assert {path for path, _ in found} == {"naming.py"}, found


def test_the_graph_does_not_know_how_it_is_shown():
    for path in (PACKAGE / "graph").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "lineage_bridge.show" not in text
        assert "import rich" not in text
        assert "from rich" not in text
