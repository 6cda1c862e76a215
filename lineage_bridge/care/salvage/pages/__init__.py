"""An SQLite file read page by page, without SQLite: what a damaged one still holds.

`page` decodes one page of a table, `record` the values of a row; `log` finds the sound pages of a
write-ahead log, `file` puts both files together, and `table` follows a table from page to page, or
looks for its rows on every page. Nothing here writes, locks or trusts anything: each part says what
it cannot make sense of, and the rest is read on.

Source of all shapes: https://sqlite.org/fileformat2.html.
"""
