"""Amazon EC2: instances, and what belongs to them."""
