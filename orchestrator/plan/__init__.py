"""From an experiment to its cells, blocks and trials."""

from orchestrator.plan.plan import Plan

__all__ = ["Plan"]
