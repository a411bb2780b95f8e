# Tests of each series that is a goal, with options of pytest in SELECTION; one after the other, as a guest of 16 CPUs keeps
# this machine busy:
#   make -f tests/kernel/series.mk linux-6.12 linux-7.3 SELECTION="-m kernel -k races"

PYTEST := .venv/bin/python -m pytest

linux-%:
	KERNEL_SERIES=$@ $(PYTEST) $(SELECTION)
