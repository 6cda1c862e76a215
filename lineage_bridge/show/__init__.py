"""Answers in the form that people and programs read: words, tables, diagrams and JSON.

`text`, `units`, `statuses` and `reasons` put single facts into words and need nothing but Python: a
page and a message use them as a terminal does. `layout` and `tables` lay out tables for a terminal;
`health`, `freshness`, `lineage`, `artifacts` and `journal` fill them. `shapes`, `diagrams` and
`formats` are for programs, `messages` is for errors and log lines.

Whatever leaves this room may be printed: text that others have written is escaped in it.
"""

from __future__ import annotations
