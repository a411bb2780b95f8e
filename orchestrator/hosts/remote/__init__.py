"""The directory on a host: scripts, lock, recorded settings; maintenance commands."""
