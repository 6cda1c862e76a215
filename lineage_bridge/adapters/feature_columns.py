"""Of which columns of its source table the feature pipeline (P2) makes each of its own.

No artifact says it: P2's SQL does. Source: `snapshot.sql`, `lags.sql`, `rolling.sql`,
`temporal.sql`, `forward_label.sql` and the select of `build_dataset.sql` in P2's folder `sql`; for
the types, the table's DDL in P1's consumer (`kafka_to_duckdb.py`). What only chooses rows (a join,
a window's bounds, the least capacity) makes no column. A column that P2 gets some day is not listed
here, and has no lineage until it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lineage_bridge.records.columns import Column, MadeOf

TABLE: Final = (
    Column("station_id", "VARCHAR"),
    Column("window_start", "TIMESTAMP"),
    Column("avg_bikes_available", "DOUBLE"),
    Column("avg_docks_available", "DOUBLE"),
    Column("avg_capacity", "DOUBLE"),
    Column("avg_availability_ratio", "DOUBLE"),
    Column("low_availability_events", "BIGINT"),
    Column("event_count", "BIGINT"),
)

# As it is (that of another minute, too), computed from it, or summed up over many rows.
_STATION: Final = MadeOf(("station_id",), "IDENTITY")
_TIME: Final = MadeOf(("window_start",), "TRANSFORMATION")
_BIKES: Final = MadeOf(("avg_bikes_available",), "IDENTITY")
_ALL_BIKES: Final = MadeOf(("avg_bikes_available",), "AGGREGATION")

MADE_OF: Final[Mapping[str, MadeOf]] = {
    "station_id": _STATION,
    "obs_ts": _TIME,
    "feature_cutoff_ts": _TIME,
    "label_window_end": _TIME,
    "target_empty_next_hour": _ALL_BIKES,
    "ft_bikes_available": _BIKES,
    "ft_docks_available": MadeOf(("avg_docks_available",), "IDENTITY"),
    "ft_availability_ratio": MadeOf(("avg_availability_ratio",), "IDENTITY"),
    "ft_bikes_available_lag_15m": _BIKES,
    "ft_bikes_available_lag_30m": _BIKES,
    "ft_bikes_available_lag_60m": _BIKES,
    "ft_bikes_available_lag_24h": _BIKES,
    "ft_avg_bikes_60m": _ALL_BIKES,
    "ft_min_bikes_60m": _ALL_BIKES,
    "ft_max_bikes_60m": _ALL_BIKES,
    "ft_avg_bikes_24h": _ALL_BIKES,
    "ft_min_bikes_24h": _ALL_BIKES,
    "ft_max_bikes_24h": _ALL_BIKES,
    "ft_avg_ratio_60m": MadeOf(("avg_availability_ratio",), "AGGREGATION"),
    "ft_low_avail_freq_24h": MadeOf(("low_availability_events", "event_count"), "AGGREGATION"),
    "ft_hour_of_day": _TIME,
    "ft_day_of_week": _TIME,
    "ft_is_weekend": _TIME,
    "ft_capacity": MadeOf(("avg_capacity",), "IDENTITY"),
    "ft_pct_bikes_of_capacity": MadeOf(("avg_bikes_available", "avg_capacity"), "TRANSFORMATION"),
    "ft_pct_docks_of_capacity": MadeOf(("avg_docks_available", "avg_capacity"), "TRANSFORMATION"),
    "ft_bikes_delta_60m": _ALL_BIKES,
}
