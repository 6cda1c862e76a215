"""How trouble travels through the graph: along which edges, from where, and how far.

Edges differ. What is *bound* goes with a version to the runs that read it, to what these wrote, and
on. What is *live* goes from the present state of a dataset to the runs that read it now. An
observer's read and a declared feedback carry nothing, so a cycle cannot echo.
"""

from __future__ import annotations

from lineage_bridge.graph.travel.edges import Feedback, Travel
from lineage_bridge.graph.travel.spread import Inherited, spread

__all__ = ["Feedback", "Inherited", "Travel", "spread"]
