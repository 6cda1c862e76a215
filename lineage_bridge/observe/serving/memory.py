"""The memory of a deployment: its windows that wait to be judged, and the state of judging.

It is stored as JSON (`window_state`), so a new member must have a default.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from lineage_bridge.adapters.serving_windows import Names, check_names
from lineage_bridge.assess.lookback import WindowFacts
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.assess.serving_facet import Totals
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.masking import masked
from lineage_bridge.naming import Slot
from lineage_bridge.observe.serving import sums
from lineage_bridge.observe.unsaved import Standing

Sums = tuple[int, int, int, int]  # successes, failures, rejected, timeouts


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The names that all windows of one endpoint and one model version share.

    There is one object for each combination (`Sources`), compared and hashed by identity.
    """

    slot: Slot
    endpoint: str
    model: str
    version: str

    @property
    def names(self) -> Names:
        """The names as its windows carry them."""
        slot = self.slot
        return (
            slot.service,
            slot.environment,
            slot.deployment,
            self.endpoint,
            self.model,
            self.version,
        )


class Pending(msgspec.Struct, gc=False):
    """A window that was read, and when it became known; never in a cycle, so without gc."""

    at_us: int
    source: Source
    facts: WindowFacts
    sums: Sums
    is_inconsistent: bool


class Sources:
    """Every source so far, by the names that its windows carry."""

    def __init__(self) -> None:
        self._by_names: dict[Names, Source] = {}

    def of(self, names: Names) -> Source:
        """Return the source of windows with these names.

        Raises:
            ArtifactError: one of the names is blank.
        """
        source = self._by_names.get(names)
        if source is None:
            check_names(names)
            service, environment, deployment, endpoint, model, version = map(masked, names)
            source = Source(Slot(service, environment, deployment), endpoint, model, version)
            self._by_names[names] = source
        return source


@dataclass(slots=True)
class Implied:
    """A model version that served, by its windows, without a deployment event."""

    model: str
    version: str
    first_us: int
    windows: int = 0


@dataclass(slots=True)
class Resumed:
    """The findings in the journal from which a deployment goes on whose memory was missing.

    Attributes:
        until_us: time of the newest one; up to then what the journal says stands.
        ids: the events of that instant, the newest last.
        emitted_us: time of the newest one that a changed finding or a heartbeat caused.
        totals: the sums that the newest one has, by model version.
        policy: the mark of the policy that it was made by; empty if it does not tell.
        finding: the newest one, until judging has passed its time.
        counted: the sums of the windows up to then, once judging has passed it.
        is_short: the windows of that time were not read, so the current state may be an older one.
        is_outdated: it was made by another policy, or without knowing of all starts.
    """

    until_us: int
    ids: list[str]
    emitted_us: int
    totals: list[Totals]
    policy: str = ""
    finding: ServingHealthFacet | None = None
    counted: list[Totals] = field(default_factory=list)
    is_short: bool = False
    is_outdated: bool = False


@dataclass(slots=True)
class SlotMemory:
    """The current state of a deployment.

    Attributes:
        state: the evaluator of the activation that is judged.
        judged_us: the instant that was judged last.
        totals: the sums of each model version.
        implied: model versions without a deployment event.
        late_windows: how many windows came after their instant had been judged.
        inconsistent_windows: how many windows have numbers that contradict each other.
        emitted_us: time of the newest event that a changed finding or a heartbeat caused.
        event_us: time of the newest event of all.
        event_id: id of that event.
        twins: ids of other events with its content, each superseding another earlier event.
        moved: the sums changed since that event.
        ended: that event was made at the end of a backfill.
        policy: the mark (a digest) of the policy that all this was judged by.
        standing: events of an earlier judgement that are not superseded yet, by time.
        resumed: what the journal said when this memory began.
    """

    state: DeploymentState | None = None
    judged_us: int = 0
    totals: list[Totals] = field(default_factory=list)
    implied: list[Implied] = field(default_factory=list)
    late_windows: int = 0
    inconsistent_windows: int = 0
    emitted_us: int = 0
    event_us: int = 0
    event_id: str | None = None
    twins: list[str] = field(default_factory=list)
    moved: bool = False
    ended: bool = False
    policy: str = ""
    standing: list[Standing] = field(default_factory=list)
    resumed: Resumed | None = None

    @property
    def is_behind(self) -> bool:
        """Whether judging has not passed what the journal said when this memory began."""
        return self.resumed is not None and self.resumed.finding is not None

    @property
    def is_short(self) -> bool:
        """Whether the windows of the newest finding in the journal, and later ones, are missing."""
        resumed = self.resumed
        return resumed is not None and resumed.is_short and self.judged_us <= resumed.until_us

    @property
    def windows_missing(self) -> int:
        """How many windows of the sums were never read here: only the journal tells of them."""
        resumed = self.resumed
        if resumed is None or resumed.finding is not None:
            return 0
        whole = sums.larger(resumed.totals, resumed.counted)
        return sums.count_windows(whole) - sums.count_windows(resumed.counted)

    def count(self, window: Pending) -> bool:
        """Add a window to the sums of its model version; return whether that changed them.

        It does not if the journal, from which this memory began, has counted it already.
        """
        resumed = self.resumed
        if resumed and not resumed.finding and window.at_us <= resumed.until_us:
            if not self._count_again(window, resumed):
                return False
        else:
            _add(sums.of_version(self.totals, window.source.model, window.source.version), window)
        self.inconsistent_windows += window.is_inconsistent
        self.moved = True
        return True

    def _count_again(self, window: Pending, resumed: Resumed) -> bool:
        model, version = window.source.model, window.source.version
        read = sums.of_version(resumed.counted, model, version)
        known = sums.of_version(resumed.totals, model, version)
        (before,) = sums.larger([known], [read])
        _add(read, window)
        (after,) = sums.larger([known], [read])
        sums.move(sums.of_version(self.totals, model, version), before, after)
        return after != before

    def take_standing(self, until_us: int) -> list[Standing]:
        """Remove and return the standing events up to an instant, for new events to supersede."""
        if not self.standing:
            return []
        due = [item for item in self.standing if item.at_us <= until_us]
        self.standing = [item for item in self.standing if item.at_us > until_us]
        return due


def _add(totals: Totals, window: Pending) -> None:
    successes, failures, rejected, timeouts = window.sums
    totals.windows += 1
    totals.requests += window.facts.requests
    totals.successes += successes
    totals.failures += failures
    totals.rejected += rejected
    totals.timeouts += timeouts
    totals.predictions += window.facts.predictions
