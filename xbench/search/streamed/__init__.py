"""Search of corpora that fit in no memory: shards are read, scored and merged, and forgotten."""
