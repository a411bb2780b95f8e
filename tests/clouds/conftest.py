"""Clouds need root here: their machines have mount namespaces."""

from __future__ import annotations

import os

import pytest

if os.geteuid() != 0:
    pytest.skip("requires root", allow_module_level=True)
