"""Column lineage read back: edges, the graph that they make, and a dataset's own list of them."""
