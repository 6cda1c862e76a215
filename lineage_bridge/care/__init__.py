"""Looking after a journal: what nobody asks every day, and what must not lose an event.

`prune` deletes what the present does not need: `history` and `retention` decide, `removal` does it.
`rebuild` derives everything again, `verify` says what is damaged, `salvage` reads around it page by
page (`pages`, `event_pages`), `rescue` exports what it finds, and `archive` exports and imports
what is sound. `rename` gives deployments of older homes their names of today.
"""
