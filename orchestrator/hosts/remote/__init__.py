"""Our folder on a connected host: scripts, lock, record of changed settings, maintenance."""
