"""Take an event back that nothing calls for any more, by an event that says nothing else.

It names the job, the run and all datasets of the event that it withdraws, since a server that does
not know our facets takes it for one more event of that run, and must lose no edge by it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lineage_bridge.events.build import Dataset, Job, run_event
from lineage_bridge.events.envelope import Event
from lineage_bridge.events.views import DatasetView, EventView

_KEPT: Final = ("documentation", "dataSource")  # a Marquez forgets what the last event leaves out


def withdrawal(view: EventView, time: datetime) -> Event:
    """Make the event that withdraws another one.

    Args:
        view: the event to withdraw; one of ours.
        time: its event time.
    """
    assert view.id is not None
    assert view.job is not None
    assert view.run_id is not None
    return run_event(
        "OTHER",
        time,
        Job(view.job.namespace, view.job.name, view.job_facets),
        view.run_id,
        inputs=[_plain(dataset) for dataset in view.inputs],
        outputs=[_plain(dataset) for dataset in view.outputs],
        withdraws=[view.id],
    )


def _plain(dataset: DatasetView) -> Dataset:
    own = {key: dataset.facets[key] for key in _KEPT if key in dataset.facets}
    return Dataset(dataset.name.namespace, dataset.name.name, dataset.version, own)
