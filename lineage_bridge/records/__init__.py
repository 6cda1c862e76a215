"""Records: what happened, in our words, whoever wrote it down; and the events that they become.

A record is an artifact that was read and typed. It has no identity yet: it *claims* names for what
it made, and *refers* to what it read, in the words of its artifact; `link` decides what they mean,
from all records together. There is one module a kind of record (`build`, `training`, `publication`,
`promotion`, `start`, `step`, `transformation`, `report`, `change`): the record, and the event of a
linked one. `recall` is the way back from the event, which makes the journal the memory of all
identities: it holds all words of its record.
"""

from lineage_bridge.records.build import Build
from lineage_bridge.records.change import Change
from lineage_bridge.records.columns import Column, MadeOf
from lineage_bridge.records.promotion import Promotion
from lineage_bridge.records.publication import Publication
from lineage_bridge.records.report import Age, Report
from lineage_bridge.records.start import Start
from lineage_bridge.records.step import Step
from lineage_bridge.records.stored import (
    Record,
    decode_record,
    encode_record,
    names_of,
    shape_of,
    without_secrets,
)
from lineage_bridge.records.training import Training
from lineage_bridge.records.transformation import Table, Transformation
from lineage_bridge.records.words import Claim, Reference, Source

__all__ = [
    "Age",
    "Build",
    "Change",
    "Claim",
    "Column",
    "MadeOf",
    "Promotion",
    "Publication",
    "Record",
    "Reference",
    "Report",
    "Source",
    "Start",
    "Step",
    "Table",
    "Training",
    "Transformation",
    "decode_record",
    "encode_record",
    "names_of",
    "shape_of",
    "without_secrets",
]
