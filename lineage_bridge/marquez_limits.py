"""What a Marquez cannot hold: plain numbers and patterns, known in this place only.

An event beyond them is refused by our own collector as by Marquez, and never sent to a Marquez.
Source: the columns, indexes and validation of Marquez 0.51, tried on a running one.
"""

from __future__ import annotations

import re
from typing import Final

# In characters, as PostgreSQL counts them:
MAX_FACET_NAME: Final = 255
MAX_FIELD_NAME: Final = 255
MAX_LOCATION: Final = 255
MAX_TRANSFORMATION_TYPE: Final = 255
MAX_LIFECYCLE: Final = 63
MAX_SYMLINK_TYPE: Final = 64
MAX_OWNER: Final = 64
MAX_NAMESPACE: Final = 1024
# In bytes, as a row of an index holds no more than 2,700 of them:
MAX_JOB_NAME: Final = 1300
MAX_DATASET_NAME: Final = 2600

NAMESPACE: Final = re.compile(rf"[a-zA-Z:;=/0-9_\-.@+]{{1,{MAX_NAMESPACE}}}")  # as Marquez says it
