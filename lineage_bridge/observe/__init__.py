"""Findings over time: whatever comes little by little is read on, judged, and told as events.

A room for each sort of finding (`serving`); what they share, and reading artifacts shares with
them, is here: how far a file was read (`cursors`), what could not be read (`quarantine`), and which
findings are appended but not remembered yet (`unsaved`).
"""
