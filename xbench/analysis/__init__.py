"""Results compared and explained, without models."""
