"""The page's Content-Security-Policy, which allows only its own style."""

from __future__ import annotations

import base64
import hashlib

from lineage_bridge.show.html.style import STYLE


def content_security_policy() -> str:
    """Make the policy: no script, no image, no frame, no form; this style alone."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
