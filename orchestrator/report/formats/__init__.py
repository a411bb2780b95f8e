"""The forms of a report: one module each, which is all it takes to add one."""
