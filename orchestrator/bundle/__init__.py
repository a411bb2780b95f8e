"""Bundles: a run with all that it takes to check it and to do it again, as one RO-Crate."""
