"""Statistics: estimates, speed-ups, comparisons, claims."""
