"""Training with monolingual, cross-lingual and hybrid batches."""
