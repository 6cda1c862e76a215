"""Graph and paths: as tables, and as diagrams that other tools draw."""
