"""Reference retrieval models that need no training and no download."""
