"""The collector: Marquez's HTTP API over the journal, in tables of its own.

`app` receives an event, `accept` checks it and passes it to the journal's writer. `fold` applies it
to the tables (`rows`), `answer` reads them back, with one module per kind of thing. `routes` says
which path is answered by what; `writes` and `legacy` are those that change something. `dialect` is
how Marquez says things. `server` runs all this; `docs/marquez.md` lists the intended differences.
"""
