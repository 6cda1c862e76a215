"""The index page: how everything is, in a browser, without a script or an asset from elsewhere.

`content` takes the facts from the graph, `index` writes them as HTML, `markup` is the only place
where text becomes HTML, and `app` answers requests.
"""

from __future__ import annotations

from lineage_bridge.page.app import index_app

__all__ = ["index_app"]
