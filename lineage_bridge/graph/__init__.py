"""The graph: what the journal's events say together, version by version and run by run.

The way in: `facts` reads one event, `tables` keeps its facts, `reduce` does so for the journal. The
way out: `rows` reads the tables, `symlinks` says which names are one node, `bind` what the facts of
a run mean, `load` puts the graph of `model` together; `kept` updates one that a process has loaded.
Asked of it: `find`, `walk`, `paths` (by the `steps` of both), `deployments`, `writes` (what was
written when), and what is `broken`.
How an answer is judged and looks is not its business: see `answers` and `show`.
"""

from __future__ import annotations
