"""The CSS of what is shown in a browser, for light and dark: the page, and reports in a file."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6573; --line: #dfe3e8;
  --page: #f6f7f9; --card: #fff; --link: #0b57a4; --good: #1a6b3c; --warn: #8a5300; --bad: #a81c1c;
  --mute: #56606e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #a3adba; --line: #313944;
  --page: #14181d; --card: #1b2027; --link: #7cb8f5; --good: #6ecb93; --warn: #e5ad58;
  --bad: #f58a8a; --mute: #a3adba; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; } a { color: var(--link); } small, .soft { color: var(--soft); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem;
  border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: .85rem; }
tbody th { font-weight: 600; }
th, td { max-width: 26rem; overflow-wrap: break-word; } td ul { margin: 0; padding: 0;
  list-style: none; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.status { border: 1px solid; border-radius: 1rem; padding: 0 .6rem; font-size: .85rem;
  font-weight: 600; white-space: nowrap; color: var(--mute); }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.mute { color: var(--mute); }
code { font: .9em ui-monospace, monospace; } td li + li { margin-top: .25rem; }
.empty { padding: 1rem; }
"""
