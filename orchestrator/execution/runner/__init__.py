"""What runs the trials of a block on a host, in POSIX shell and awk."""
