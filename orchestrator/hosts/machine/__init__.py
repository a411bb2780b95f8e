"""Machines that boot from their own disk: a kernel beside the old one, booted once, and the way back."""
