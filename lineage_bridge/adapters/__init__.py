"""Adapters: an artifact -> a typed record -> OpenLineage events. No clock, no network, no state.

A family is one upstream system's kind of artifacts. `records` are the types that all families
share; `documents` reads JSON files; each family has a module (`p2`, `p4`, `p5`, `p6`); `builds`,
`trainings` and `deployments` turn linked records into events.
"""
