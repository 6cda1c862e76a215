"""How Marquez says things: instants, hashes, merging of facets, bodies, parameters and errors."""
