"""Learners of streams that come an example at a time, many seeds of a small network in one tensor, and their studies."""
