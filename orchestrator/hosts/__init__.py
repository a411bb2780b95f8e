"""Hosts, the connections to them, and the providers that make and remove them."""
