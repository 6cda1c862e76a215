"""Adapters: an artifact -> a typed record -> OpenLineage events. No clock, no network, no state.

`records` are what the families have in common; `documents` reads JSON files; one module for each
family (`p2`, `p4`, `p5`, `p6`); `builds`, `trainings` and `deployments` turn linked records into
events.
"""
