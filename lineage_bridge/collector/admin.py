"""The admin port: is the collector up, is it healthy. Source: Dropwizard's `AdminServlet`."""

from __future__ import annotations

from datetime import UTC, datetime

from lineage_bridge.collector.api import Api
from lineage_bridge.collector.metrics import Metrics
from lineage_bridge.errors import JournalError
from lineage_bridge.http import Call, Part, Response
from lineage_bridge.http.metrics import metrics_part
from lineage_bridge.times import format_time


def admin_parts(api: Api, metrics: Metrics) -> dict[str, Part]:
    """Make `/ping`, `/healthcheck` and `/metrics` of the admin port."""

    def ping(_: Call) -> Response:
        return Response(b"pong\n", media_type="text/plain")

    def healthcheck(_: Call) -> Response:
        now = format_time(datetime.now(UTC))
        try:
            with api.reading() as connection:
                connection.execute("SELECT count(*) FROM models").fetchone()
        except JournalError as exc:
            unwell = {"healthy": False, "message": str(exc), "timestamp": now}
            return Response({"journal": unwell}, 500)
        return Response({"journal": {"healthy": True, "timestamp": now}})

    return {
        "/ping": Part("admin", ping),
        "/healthcheck": Part("admin", healthcheck),
        "/metrics": metrics_part(metrics, surface="admin"),
    }
