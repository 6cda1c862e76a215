"""The observer of content: notes the builds, reads the files that changed, judges what is new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lineage_bridge.journal import Journal
from lineage_bridge.observe.content.agreeing import withdraw_the_others
from lineage_bridge.observe.content.builds import note_builds
from lineage_bridge.observe.content.judging import judge_dataset
from lineage_bridge.observe.content.reading import Files, changed_files
from lineage_bridge.observe.content.tables import CONTENT
from lineage_bridge.observe.content.versions import list_builds
from lineage_bridge.observe.kept_profiles import PROFILES
from lineage_bridge.settings import Settings


@dataclass(slots=True)
class Seen:
    """What a look at the content of datasets came to.

    Attributes:
        read: files that were read now.
        events: events that are new.
        is_complete: whether all that is here could be read.
    """

    read: int = 0
    events: int = 0
    is_complete: bool = True


def observe_content(
    journal: Journal,
    settings: Settings,
    files: Files,
    progress: Callable[[int, int], None],
) -> Seen:
    """Read and judge what is in the versions that were built.

    Args:
        journal: of the home.
        settings: what is expected of datasets.
        files: where records of builds were found, by their subject.
        progress: called with how many files are read, of how many.

    Raises:
        SettingsError: the settings name a check that there is not.
        JournalError: the home cannot be read or written.
    """
    journal.prepare(PROFILES)
    journal.prepare(CONTENT)
    withdraw_the_others(journal, settings.namespace)
    note_builds(journal, settings.namespace)
    seen = Seen()
    with journal.reading() as connection:
        builds = list_builds(connection)
    due = list(changed_files(builds, files, settings))
    for number, reading in enumerate(due):
        progress(number, len(due))
        reading.read(journal, settings)
        seen.read += 1
    for dataset in dict.fromkeys(build.dataset for build in builds):
        seen.events += judge_dataset(journal, settings, dataset)
    with journal.reading() as connection:
        seen.is_complete = all(build.is_whole is not False for build in list_builds(connection))
    return seen
