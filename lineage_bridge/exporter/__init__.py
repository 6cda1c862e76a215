"""The exporter: the graph's facets, and the bridge itself, as Prometheus metrics.

`metric` has the types of a metric and a reading, `platform_metrics` and `bridge_metrics` define
every metric; `datasets`, `deployments`, `findings`, `runs` and `bridge` read their values from one
snapshot; `compat` has the names of the systems before, `per_node` caches the values of each node,
`marks` keeps counters from going down, `families` limits the series; `metrics_collector` combines
all at each scrape, `server` answers Prometheus.

Values are computed when they are asked for: an age grows by itself, and nothing is pushed.
"""
