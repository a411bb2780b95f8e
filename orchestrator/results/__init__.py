"""What a run leaves behind: journal, manifest, index."""
