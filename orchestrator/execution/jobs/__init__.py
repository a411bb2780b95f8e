"""Blocks as jobs of a batch system: prepared on one node, submitted at once, followed by their journals."""
