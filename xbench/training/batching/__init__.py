"""Which rows of parallel data are together in a batch."""
