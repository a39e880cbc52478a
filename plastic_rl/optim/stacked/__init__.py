"""Several copies of a network as one, and what methods do for all of them at once."""
