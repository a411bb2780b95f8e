"""The project file ``orchestrate.yaml``: defaults of options, for all commands below its directory."""
