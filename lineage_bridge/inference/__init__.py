"""Inference logs: what a model service was really asked, and what it answered.

A log is anybody's: a field map of JMESPath expressions says where in a row our fields are. Where
none is declared, a log is understood by the usual names. Rows that cannot be read are rejected,
each with its line and the reason; the others count.
"""
