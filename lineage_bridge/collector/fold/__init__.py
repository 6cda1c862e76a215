"""The journal applied to the collector's tables, as Marquez applies it.

`model` is the way in: `reduce` and the modules that begin with it apply events, in Marquez's order,
`commands` all other writes. What is in `poison` never comes into the tables.
"""
