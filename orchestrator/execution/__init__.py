"""A run: the coordinator on this side, the runner on the host."""
