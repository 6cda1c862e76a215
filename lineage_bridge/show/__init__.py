"""An answer as it is shown: in words, tables, diagrams and JSON, for whoever shows it.

`text`, `units`, `statuses` and `reasons` say single things in words and need nothing but Python: a
page and a message use them as a terminal does. `layout` and `tables` lay out what a terminal shows;
`health`, `freshness`, `lineage`, `artifacts` and `journal` fill it. `graph_json`, `diagrams` and
`formats` are for programs, `messages` is for what goes wrong.

Whatever leaves this room may be printed: what others have written is escaped in it.
"""

from __future__ import annotations
