"""What this process has taken so far."""

from __future__ import annotations

import resource
import time


def spent() -> dict[str, float]:
    """Seconds of a processor, and the most memory that was held, in MB."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in kB
    return {"cpu_seconds": time.process_time(), "peak_mb": memory}
