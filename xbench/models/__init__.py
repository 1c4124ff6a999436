"""Any model: found by name, loaded with its own prompts, and seen as a text encoder."""
