"""The cells, blocks and trials of an experiment."""

from orchestrator.plan.plan import Plan

__all__ = ["Plan"]
