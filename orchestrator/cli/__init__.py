"""The commands of ``orchestrate``: one module per verb, no logic."""
