"""The index page: health and freshness in a browser, without scripts or assets from elsewhere.

`content` takes the facts from a snapshot, `html` writes them by the template, and `app` answers
requests.
"""

from __future__ import annotations

from lineage_bridge.page.app import page_parts

__all__ = ["page_parts"]
