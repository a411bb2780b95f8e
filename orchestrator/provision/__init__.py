"""Roles and their tasks: install software on hosts and configure them for experiments."""
