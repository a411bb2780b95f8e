"""Obtain, build, cache and verify kernels."""
