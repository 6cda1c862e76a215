"""What is known of inference logs is a function of their rows: not of files, parts or order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from inference_logs import nested, request, write_lines

from lineage_bridge.ingest.backfill import backfill
from lineage_bridge.ingest.observing import observe
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot
from lineage_bridge.observe.logs.hours import list_hours, profile_of
from lineage_bridge.settings import Settings

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SLOT = Slot("scoring", "prod", "fraud-eu")

ROWS = st.lists(
    st.builds(
        lambda day, hour, version: (f"2026-05-{day:02}T{hour:02}:00:00Z", version),
        *(st.integers(1, 3), st.sampled_from([0, 5, 23]), st.sampled_from("78")),
    ),
    min_size=1,
    max_size=12,
)
LABELS = st.lists(
    st.builds(
        lambda number, truth, day, second: {
            "request_id": f"r-{number}",
            "label": truth,
            "observed_at": f"2026-05-{day:02}T12:00:{second:02}Z",
        },
        *(st.integers(0, 12), st.integers(0, 1), st.integers(1, 12), st.integers(0, 59)),
    ),
    max_size=8,
    unique_by=lambda label: (label["request_id"], label["observed_at"]),
)


def known(home: Path) -> tuple[list, list]:
    """The hours with their profiles, and what stands of events about the log and its writers."""
    with Journal(home) as journal:
        with journal.reading() as connection:
            hours = [
                (hour, profile_of(connection, hour).whole) for hour in list_hours(connection, SLOT)
            ]
        events = [json.loads(stored.body) for stored in journal.read(limit=10_000)]
    own = [event["run"]["facets"]["lineageBridge_event"] for event in events]
    gone = {one.get("supersedes") for one in own}
    gone |= {of_one for one in own for of_one in one.get("withdraws", ())}
    gone |= {one["id"] for one in own if "withdraws" in one}
    return hours, sorted(
        json.dumps([event["job"]["name"], event["eventTime"], event["inputs"], event["outputs"]])
        for event, one in zip(events, own, strict=True)
        if one["id"] not in gone
    )


def look(home: Path, folder: Path) -> None:
    with Journal(home) as journal:
        settings = Settings(home=home)
        backfill(journal, settings, {"logs": [folder]})
        observe(journal, settings, now=NOW)


@given(ROWS, LABELS, st.integers(1, 3), st.randoms())
def test_at_once_or_bit_by_bit_the_same_is_known(tmp_path_factory, rows, labels, parts, random):
    folder = tmp_path_factory.mktemp("logs")
    lines = [
        nested(request(number, at=at, version=version))
        | {"environment": "prod", "service": "scoring"}
        for number, (at, version) in enumerate(rows)
    ]
    lines += random.sample(lines, len(lines) // 3)  # some stand in two places
    files: dict[str, list] = {}
    for line in random.sample(lines, len(lines)):
        files.setdefault(f"log-{random.randrange(3)}.jsonl", []).append(line)
    for line in random.sample(labels, len(labels)):
        files.setdefault(f"labels-{random.randrange(2)}.jsonl", []).append(line)
    whole, bit_by_bit = folder / "whole", folder / "bits"
    for path in (whole, bit_by_bit):
        path.mkdir()
    for name, written in files.items():
        write_lines(whole / name, written)
    look(folder / "home", whole)
    for part in range(1, parts + 1):
        for name, written in random.sample(sorted(files.items()), len(files)):
            write_lines(bit_by_bit / name, written[: len(written) * part // parts])
        look(folder / "other", bit_by_bit)
    assert known(folder / "home") == known(folder / "other")


def test_this_property_would_see_a_difference(tmp_path):
    (tmp_path / "a").mkdir()
    at = "2026-05-01T00:00:00Z"
    line = nested(request(1, at=at)) | {"environment": "prod", "service": "scoring"}
    write_lines(tmp_path / "a" / "log.jsonl", [line])
    look(tmp_path / "home", tmp_path / "a")
    hours, events = known(tmp_path / "home")
    # What stands: who writes the log, how good the answers were, what the checks found.
    assert (len(hours), len(events)) == (1, 3)
