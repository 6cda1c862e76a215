select station, minute, coalesce(bikes, 0) as bikes
from {{ source('raw', 'readings') }}
