# Tests of each series that is a goal, with options of pytest in SELECTION. A guest keeps hardly more than one CPU of this
# machine busy, so that two series may be tried side by side:
#   make -j 2 --output-sync=target -f tests/kernel/series.mk linux-6.12 linux-7.3 SELECTION="-m kernel -k races"

PYTEST := .venv/bin/python -m pytest

linux-%:
	KERNEL_SERIES=$@ $(PYTEST) $(SELECTION)
