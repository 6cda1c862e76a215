"""Metric windows of deployments: read, assigned to activations, judged, and told as events."""
