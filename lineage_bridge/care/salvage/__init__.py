"""What can still be read of a damaged journal: `rescue` exports it, `reading` finds it, in pages.

`event_pages` knows the table of events, `pages` the format of SQLite's files and nothing of ours.
"""
