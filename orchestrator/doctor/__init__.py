"""What machines can do for experiments, and what they lack: ``orchestrate doctor``. Changes nothing."""
