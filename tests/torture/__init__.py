"""Torture: `up` and its commands in processes of their own, treated as badly as they ever will be.

`make torture MINUTES=20 SEED=7`, or `PYTHONPATH=tests python -m torture --minutes 20 --seed 7`. It
imports nothing of the project and starts whatever `lineage_bridge` its Python finds, so the same
scripts measure any version: put that version's folder on the PYTHONPATH too.

Each module of `kinds` is one kind of trouble, on a home of its own. A `Ledger` notes what every
client was told; in the end `accounts` compares that with what is there. Only processes that were
started here are ended, by their number.
"""
