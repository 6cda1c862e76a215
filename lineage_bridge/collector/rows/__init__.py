"""The collector's tables: their schema, and what is held of their rows while events are applied."""
