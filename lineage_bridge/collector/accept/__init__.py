"""What is decided of an event before it is in the journal: is it valid, may it be refused half-way.

`checking` is the way in: `validation` says what Marquez does not accept, `screen` looks for signs
of what it would refuse half-way. `intake` passes the event to the journal's writer.
"""
