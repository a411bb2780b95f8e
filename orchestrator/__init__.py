"""Declarative experiments on Linux page migration."""

__version__ = "0.2.0"
