"""The exporter: the graph's facets, and the bridge itself, as Prometheus metrics.

`metric` has the two words that all else is written in, `platform_metrics` and `bridge_metrics` name
every metric; `builds`, `datasets`, `models`, `jobs`, `deployments` and `bridge` read their values;
`parts` keeps one failure from costing all, `marks` keeps counters from going down, `families`
bounds the series; `collector` puts it together at each scrape, `server` is asked by Prometheus.

Values are computed when they are asked for: an age grows by itself, and nothing is pushed.
"""
