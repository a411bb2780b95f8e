"""Declarative experiments on Linux page migration."""

__version__ = "0.1.0"
