"""Own status: what is wrong with a dataset, a version, a job or a deployment, by itself.

A `Fault` is one such thing: its code and numbers, how bad it is, since when, and of which kind it
is, because the kind says along which edges it travels. Facts come in, faults go out; no fault means
ok. The order of all levels is ok < unknown < warn < bad.
"""
