"""The collector: Marquez's HTTP API over the journal, in tables of its own.

An event comes in through `app` (checked by `validation` and `poison`, handed over by `intake`),
and is taken into the tables by `model`: `reduce` and the modules that begin with it, in Marquez's
order, `commands` for all other writes. It is read back by `routes`, with one module per kind of
thing. `server` runs it; `docs/marquez.md` says where it differs from Marquez on purpose.
"""
