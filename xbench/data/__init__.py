"""What data exists, where it is read from, and how its files are read."""
