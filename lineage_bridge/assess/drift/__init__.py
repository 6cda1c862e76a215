"""Drift: whether rows still look like those of a reference, feature by feature, from two profiles.

Effect size decides, significance only guards small samples: what is not significant after the
correction for many features is none, and what is significant counts by its size. The rules, with
what they find and how often they err, are in docs/findings.md.
"""
