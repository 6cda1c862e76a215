"""HTTP for every surface: one server, one access check, one set of limits.

What is served (Marquez's API, the page, the metrics) is a `Part` of a `Site`; it only answers. Who
may ask is decided in `access`; how much, and for how long, in `limits`; `connections` and
`protocol` hold that on the sockets, where uvicorn has no bounds of its own.
"""

from __future__ import annotations

from lineage_bridge.http.access import Access
from lineage_bridge.http.errors import HttpError
from lineage_bridge.http.limits import HttpConfig, HttpLimits
from lineage_bridge.http.messages import Call
from lineage_bridge.http.responses import Response
from lineage_bridge.http.site import Part, Site

__all__ = ["Access", "Call", "HttpConfig", "HttpError", "HttpLimits", "Part", "Response", "Site"]
