"""The formats of a report. Each module is one format, found by its name."""
