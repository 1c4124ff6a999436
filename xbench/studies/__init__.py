"""The research questions, as studies that can be run again."""
