"""What ``tools/port-series`` and ``tools/check-series`` do, for those who work on the kernel series."""
