"""Groups of requests held against each other: is a model as good for one as for another."""
