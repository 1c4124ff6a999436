"""A run from a model's name to its result files."""
