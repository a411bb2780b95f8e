# The short form of the kernel tests for each series that is a goal: make -j 2 -f tests/kernel/series.mk linux-6.12 linux-7.3
# A guest keeps hardly more than one CPU of this machine busy, so that series are tried side by side.

PYTEST := .venv/bin/python -m pytest

linux-%:
	KERNEL_SERIES=$@ $(PYTEST) -m "kernel and not architectures" -k "not debug and not test_experiments"
