"""Machines that are rented for a run: one contract for every cloud, and what is done the same way on all of them."""
