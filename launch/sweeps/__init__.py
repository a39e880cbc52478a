"""Several runs by one command: worked out and checked together, trained by a launcher, and compared in the end."""
