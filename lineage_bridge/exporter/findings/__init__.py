"""Readings of what observers found in data: one module a sort of finding."""
