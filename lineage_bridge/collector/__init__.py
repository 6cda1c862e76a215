"""The collector: Marquez's HTTP API over the journal, in tables of its own.

`app` receives an event, `validation` and `poison` check it, `intake` passes it to the journal's
writer. `model` applies it to the tables: `reduce` and the modules that begin with it apply events,
in Marquez's order, `commands` all other writes. `routes` reads it back, with one module per kind of
thing. `server` runs all this; `docs/marquez.md` lists the intended differences from Marquez.
"""
