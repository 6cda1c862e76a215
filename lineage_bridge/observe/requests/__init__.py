"""The requests of inference logs: whether each day's are such as the served model was made for.

A day is judged anew when one of its hours changed, or what it is held against. The event of the day
that goes on is superseded while more of it comes; where a home knows fewer of its requests than the
event that stands, that event stays.
"""
