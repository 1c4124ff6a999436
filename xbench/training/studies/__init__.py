"""Questions about training, each a file: what is varied, what is measured, what is claimed."""
