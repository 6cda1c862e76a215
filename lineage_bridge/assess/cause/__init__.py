"""Cause: how well a fault or a change explains what somebody sees, and which explains it best.

Everything here is pure: what was found comes in, a ranked list goes out. A score is a product of
parts from 0 to 1, which are printed with it: kind, onset, severity, link and specificity.
"""
