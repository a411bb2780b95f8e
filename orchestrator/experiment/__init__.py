"""The experiment file: its schema, its loader and what becomes of it."""
