"""Why something is as it is, and whom it hits: candidates gathered from a snapshot, then ranked."""

from __future__ import annotations

from lineage_bridge.answers.cause.blame import Blame, Cause, Rejected, blame
from lineage_bridge.answers.cause.impact import Hit, Impact, impact
from lineage_bridge.answers.cause.situation import Situation
from lineage_bridge.answers.cause.trouble import Ill, Origin, Trouble, trouble

__all__ = [
    "Blame",
    "Cause",
    "Hit",
    "Ill",
    "Impact",
    "Origin",
    "Rejected",
    "Situation",
    "Trouble",
    "blame",
    "impact",
    "trouble",
]
