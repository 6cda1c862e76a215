select station, avg(bikes) as mean_bikes
from {{ ref('filled_readings') }}
group by station
