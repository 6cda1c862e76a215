"""Measure how the processes that share one home get on with each other, from the outside.

    python tests/benchmarks/contention.py --bin VENV/bin/lineage-bridge --python VENV/bin/python

It starts the commands of an installed lineage-bridge, sends events over HTTP and through
OpenLineage's own Python client, and times what comes back. It imports nothing of the project, so
the same file measures any version, and two versions side by side in one run:

    python tests/benchmarks/contention.py \\
        --bin OLD/.venv/bin/lineage-bridge --python OLD/.venv/bin/python \\
        --bin NEW/.venv/bin/lineage-bridge --python NEW/.venv/bin/python --rounds 3

Of a scenario the versions take turns (A, B, A, B, …), because a machine is not equally fast all
the time. The result is a Markdown table on standard output, one column a version: the median of
the rounds, with the least and the most in brackets. `-` is what did not happen, or cannot be told
on this system; a scenario that could not be measured says why, and the exit code is 1. Progress
goes to standard error.

    --only NAME      only this scenario; may be given several times. A wrong name lists them.
    --rounds N       how often each scenario is run for each version (1)
    --json           every single figure as JSON instead of the table
    --label TEXT     what a version is called, in the order of --bin (A, B, …)
    --folder DIR     where homes are made (the system's folder for temporary files). It decides
                     what is measured: in memory a commit costs nothing, on a network disk a lot.
    --events-1 N, --events-16 N
                     events of `ingest-1` (2,000) and `ingest-16` (6,000)

What is measured, and in which unit, stands with each scenario in `contending/` and
above each table. All of it takes a few minutes a round. `generator` is about the benchmark itself:
as long as `ingest` stays well below what it shows, `ingest` measures the collector. Leave the
machine alone meanwhile; `giant` says how late its own clock was, which shows whether it was.

Everything is made in a folder that is removed at the end, and only processes that were started
here are ended, also after Ctrl-C. The Python that runs this needs nothing but its standard
library; the CPU and memory of collectors are told on Linux only.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import ascii_uppercase
from types import FrameType

from contending.figures import Figure, Figures, Options
from contending.processes import BenchmarkError, Target
from contending.scenarios import SCENARIOS, Scenario

Rounds = Mapping[str, list[Figures]]  # by the label of a version
FAILED = "not measured"


def main() -> int:
    given = _arguments()
    signal.signal(signal.SIGTERM, _leave)
    targets = dict(zip(_labels(given), _targets(given), strict=True))
    options = Options(given.events_1, given.events_16)
    results: dict[str, Rounds] = {}
    if not given.json:
        for label, target in targets.items():
            print(f"{label}: `{target.bin}`  ")
    for name in given.only or SCENARIOS:
        results[name] = measure(name, targets, options, given.rounds, given.folder)
        if not given.json:
            print(table(name, results[name]), flush=True)
    if given.json:
        print(json.dumps(_document(targets, given.rounds, results), indent=2, ensure_ascii=False))
    figures = [one for found in results.values() for several in found.values() for one in several]
    return 1 if any(FAILED in one for one in figures) else 0


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)  # so that what was started is ended, and folders go


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", type=Path, action="append", required=True, metavar="PATH")
    parser.add_argument("--python", type=Path, action="append", required=True, metavar="PATH")
    parser.add_argument("--label", action="append", default=[], metavar="TEXT")
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), metavar="NAME")
    parser.add_argument("--rounds", type=_several, default=1, metavar="N")
    parser.add_argument("--events-1", type=_even, default=Options.events_1, metavar="N")
    parser.add_argument("--events-16", type=_even, default=Options.events_16, metavar="N")
    parser.add_argument("--folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if len(given.bin) != len(given.python):
        parser.error("give a --python for each --bin")
    for path in (*given.bin, *given.python):
        if not path.is_file():
            parser.error(f"{path} is no file")
    return given


def _several(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _even(text: str) -> int:
    return _several(text) // 2 * 2 or 2  # each run has two events


def _labels(given: argparse.Namespace) -> list[str]:
    return [
        *given.label[: len(given.bin)],
        *ascii_uppercase[len(given.label) : len(given.bin)],
    ]


def _targets(given: argparse.Namespace) -> list[Target]:
    # Not resolved: a virtual environment's Python is a link, and is known by where the link is.
    return [
        Target(command.absolute(), python.absolute())
        for command, python in zip(given.bin, given.python, strict=True)
    ]


def measure(
    name: str, targets: Mapping[str, Target], options: Options, rounds: int, folder: Path | None
) -> Rounds:
    """Run a scenario for each version in turn, so many times."""
    found: dict[str, list[Figures]] = {label: [] for label in targets}
    for number in range(rounds):
        for label, target in targets.items():
            began = time.perf_counter()
            with _empty_folder(folder) as empty:
                found[label].append(_measured(SCENARIOS[name], target, empty, options))
            seconds = time.perf_counter() - began
            said = f"{name}, round {number + 1}, {label}: {seconds:.0f} s"
            print(said, file=sys.stderr, flush=True)
    return found


@contextmanager
def _empty_folder(folder: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix="contention-", dir=folder, ignore_cleanup_errors=True
    ) as made:
        yield Path(made).resolve()


def _measured(scenario: Scenario, target: Target, folder: Path, options: Options) -> Figures:
    try:
        return scenario(target, folder, options)
    except (BenchmarkError, OSError) as exc:
        return {FAILED: str(exc)}


def table(name: str, rounds: Rounds) -> str:
    """A scenario as Markdown: what it measures, and a row for each figure."""
    rows = list(dict.fromkeys(row for found in rounds.values() for one in found for row in one))
    lines = [
        f"\n### {name}\n",
        _paragraphs(SCENARIOS[name].__doc__ or ""),
        f"\n| what | {' | '.join(rounds)} |",
        f"|---|{'---|' * len(rounds)}",
    ]
    for row in rows:
        cells = [cell([one.get(row) for one in found]) for found in rounds.values()]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _paragraphs(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def cell(figures: Sequence[Figure]) -> str:
    """The median of several figures with the least and the most; or each text that there was."""
    numbers = [figure for figure in figures if isinstance(figure, int | float)]
    if len(numbers) < len(figures):
        return " / ".join(dict.fromkeys(_shown(figure) for figure in figures)).replace("|", "/")
    least, most = _shown(min(numbers)), _shown(max(numbers))
    middle = _shown(statistics.median(numbers))
    return middle if least == most else f"{middle} ({least} to {most})"


def _shown(figure: Figure) -> str:
    if figure is None:
        return "-"
    if isinstance(figure, str):
        return figure
    if figure == int(figure) or abs(figure) >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}"


def _document(
    targets: Mapping[str, Target], rounds: int, results: Mapping[str, Rounds]
) -> dict[str, object]:
    return {
        "versions": {label: str(target.bin) for label, target in targets.items()},
        "rounds": rounds,
        "scenarios": results,
    }


if __name__ == "__main__":
    sys.exit(main())
