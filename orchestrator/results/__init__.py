"""The results of a run: journal, manifest, index."""
