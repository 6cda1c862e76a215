"""Alerts: what should wake whom, why, and what to do then.

`rule` says what a rule is; `serving_rules`, `drift_rules`, `data_rules` and `bridge_rules` have
them, `table` lists all. `prometheus`, `alertmanager` and `runbook` write what other programs and
people read; `grafana` has the dashboard.

The rules are texts and know nothing of the exporter: its tests hold each expression against the
metrics that it shows.
"""
