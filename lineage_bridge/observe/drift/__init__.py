"""Drift of inference logs, told as events: the hours that the home keeps, judged one by one."""
