"""The memory of a deployment: its windows that wait to be judged, and the state of judging.

It is stored as JSON (`window_state`), so a new member must have a default.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from lineage_bridge.adapters.p5_windows import Names, check_names
from lineage_bridge.assess.lookback import WindowFacts
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.assess.serving_facet import Totals
from lineage_bridge.naming import Slot
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
            service, environment, deployment, endpoint, model, version = names
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

    def count(self, window: Pending) -> None:
        """Add a window to the sums of its model version."""
        totals = self._totals(window.source.model, window.source.version)
        successes, failures, rejected, timeouts = window.sums
        totals.windows += 1
        totals.requests += window.facts.requests
        totals.successes += successes
        totals.failures += failures
        totals.rejected += rejected
        totals.timeouts += timeouts
        totals.predictions += window.facts.predictions
        self.inconsistent_windows += window.is_inconsistent
        self.moved = True

    def take_standing(self, until_us: int) -> list[Standing]:
        """Remove and return the standing events up to an instant, for new events to supersede."""
        if not self.standing:
            return []
        due = [item for item in self.standing if item.at_us <= until_us]
        self.standing = [item for item in self.standing if item.at_us > until_us]
        return due

    def _totals(self, model: str, version: str) -> Totals:
        for totals in self.totals:
            if totals.model == model and totals.version == version:
                return totals
        self.totals.append(Totals(model, version))
        self.totals.sort(key=lambda t: (t.model, t.version))
        return self._totals(model, version)
