"""Linking: which identity the words of an artifact mean.

`linking` decides it for all records together, so no order of reading matters; it is pure. Two
ladders, one rung a function, compare the words of references with those of claims: `datasets` and
`models`. What no rung finds is a gap (`gaps`). `identities` asks the journal (by a model of its
own, `identities_model`) what was decided and which event stands for it; `calls` compares that with
what the records call for now.
"""
