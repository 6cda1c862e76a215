"""lineage_bridge: version-exact lineage and health from the artifacts of an ML platform.

Nothing heavy is imported here: `import lineage_bridge` and `lineage-bridge --help` stay fast.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
