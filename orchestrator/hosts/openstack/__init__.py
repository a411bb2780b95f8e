"""OpenStack: servers of Nova, leases of Blazar, and what belongs to them."""
