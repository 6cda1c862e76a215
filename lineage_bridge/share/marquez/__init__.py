"""A Marquez as we see it: its API, what its answers mean, what it cannot hold."""
