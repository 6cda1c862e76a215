"""Following: events that others sent to a shared Marquez come into the journal.

Marquez's feed has no cursor and no arrival time, and events of any time arrive at any time. So the
range of times is kept in `buckets`, each with the count that it had when it was read; `audit` asks
for counts again and says which buckets changed, and only those are read again. It is pure: it asks,
`run` lets `feed` (the HTTP client) answer, `intake` appends what is new, known by its `identity`,
and `tables` remember all this in the home. `follower` is the way in, `status` only reads.
"""
