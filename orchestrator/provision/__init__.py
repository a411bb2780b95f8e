"""Roles and tasks: from a bare host to one that can run the benchmark."""
