"""Inference logs: files read on, kept by hour, joined with labels, and told as events."""
