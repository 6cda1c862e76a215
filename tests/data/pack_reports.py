"""Pack reports of other tools for the tests: `python tests/data/pack_reports.py TOOLS`.

Of dbt's files only what is read is kept: no SQL, no macro. Rows and tracebacks in reports of Great
Expectations stay, as a test proves that they are not told.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from pack import HERE, pack

_UNREAD = {"raw_code", "compiled_code", "macros", "docs", "parent_map", "child_map", "description"}
FILES = {
    "dbt": "dbt/*.json",
    "gx": "gx/**/validations/**/*.json",
    "evidently": "evidently/evidently*.json",
    "bad": "bad/*/*.json",
}
FAMILIES = {"dbt", "gx", "evidently"}


def cut(value):
    """Leave out what is never read, at any depth."""
    if isinstance(value, dict):
        return {k: cut(v) for k, v in value.items() if k not in _UNREAD}
    return [cut(v) for v in value] if isinstance(value, list) else value


def main() -> None:
    """Write `reports.tar.gz`."""
    tools = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        members = []
        for pattern in FILES.values():
            for path in sorted(tools.glob(pattern)):
                name = str(path.relative_to(tools))
                if path.name == "expected.json" or not FAMILIES & set(name.split("/")):
                    continue
                content = path.read_text()
                if path.name == "manifest.json":
                    content = json.dumps(cut(json.loads(content)))
                kept = Path(folder) / name
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(content)
                members.append((kept, name))
        pack(HERE / "reports.tar.gz", members)


if __name__ == "__main__":
    main()
