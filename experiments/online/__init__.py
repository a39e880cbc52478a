"""Learners of streams that come an example at a time, all seeds of a small network side by side, and their studies."""
