"""The experiment file: schema, loader and model."""
