"""Several seeds side by side: as one batched network, or in turn."""
