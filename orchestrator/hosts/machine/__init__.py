"""Machines that boot from their own disk: install a kernel beside the default one, boot it once, boot back."""
