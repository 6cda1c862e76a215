"""Adapters: an artifact -> records. No clock, no network, no state.

A family is one upstream system's kind of artifacts, and has one module (`feature_datasets`,
`training_bundles`, `serving` with `serving_windows`, `monitoring`) or a package of its own
elsewhere. `api` is what they all are, `registry` those that there are, `artifact` what they are
given, `files` the one door through which it is read, `documents` how JSON is checked.
"""
