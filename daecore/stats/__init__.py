"""Statistics: metrics, intervals, claims."""
