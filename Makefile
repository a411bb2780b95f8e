# Everything a fresh Debian machine needs, and the commands that developers and CI share.
#   make quickstart   install what is missing, run experiments/quickstart.yaml, print its table; with ARCH=arm64 or
#                     ARCH=ppc64le in a guest of that architecture
#   make test         install what is missing, run all checks and tests
#   make test-unit    the quick tests of tests/unit, in parallel: under a minute, and needs python3-venv only
#   make coverage     run the unit and integration tests and print which lines they do not run
#   make messages     run the unit and integration tests and print every message that they provoke, to be read
#   make lint         all checks of code, scripts, YAML, schemas, workflows and spelling
#   make browser-test the HTML report in chromium
#   make slow-test    tests of tests/integration, tests/vm and tests/browser that `make test` leaves out
#   make fuzz         all that reads foreign text, with INPUTS inputs (10000) for each reader; docs/reliability.md
#   make slurm-test   runs whose blocks are jobs of a Slurm cluster that the tests start, at length
#   make kernel-test  prove the kernel series right: every layout, long, the debug kernel, the ready experiments; all
#                     series, or those in KERNEL_SERIES
#   make kernel-test-short, kernel-test-debug, kernel-test-experiments: parts of it in short forms; kernel-test-quick: a
#                     few tests of each series
#   make series-test  each patch of each kernel series: checkpatch, builds for six architectures, sparse; hours
#   make chaos        500 runs under faults (tests/chaos): signals, networks, power, disks, clocks; half an hour and more;
#                     RUNS=100: fewer
#   make cloud-test   rented machines: moto's EC2, a small OpenStack, real sshds, and controllers that are killed
#   make machine-test kernels on a machine that boots from its disk: two kernels, three boots each; kernels that die
#   make performance  measure the program beside what people use instead, and write docs/performance.md; half an hour of an
#                     idle machine
#   make site         the documentation as web pages, in build/site; needs python3-venv only
#   make setup        only prepare .venv, with `orchestrate` in it
#   make architecture-test  guests of arm64 and ppc64le, with Debian's kernels and with the kernel series; `make test` runs
#                     one of arm64
#   make audit        look the locked packages up in OSV, a database of known vulnerabilities
#   make licences     write docs/licences.md: the licences of the packages that the program needs
#   make lock         write requirements/*.txt anew from pyproject.toml; with UPGRADE=--upgrade all packages in their newest
#                     versions
#   make man          write the manual pages into man/, from the help of the commands; `make release` does it as well
#   make release      put the notes of this version into CHANGELOG.md; sdist, wheel and SHA256SUMS into dist/

VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Most of the time of an integration test is waiting: for connections, programs that end, idle CPUs.
WAITING := -n $(shell expr $$(nproc) \* 2)

# What a run with the qemu provider needs on the controller: Python's venv, a compiler for the benchmark,
# the emulator, and what the guest's initramfs is made of.
RUN_PACKAGES  := python3-venv gcc libc6-dev qemu-system-x86 busybox-static dropbear-bin openssh-client zstd numactl
# What kernels are built with; ccache makes the second build of a kind short.
KERNEL_PACKAGES := bc bison ccache flex git libelf-dev libssl-dev make rsync util-linux xz-utils
# What the tests need beyond that.
TEST_PACKAGES := openssh-server shellcheck clang-format dash cpio e2fsprogs iproute2 sudo curl openssl ipmitool openipmi \
	chromium chromium-driver poppler-utils fio sysbench stress-ng mbw quilt gnupg zsh fish bash-completion man-db mandoc
# What guests of another architecture need: make setup ARCH=arm64
PACKAGES_arm64 := qemu-system-arm gcc-aarch64-linux-gnu libc6-dev-arm64-cross
PACKAGES_ppc64le := qemu-system-ppc gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross
# What the patches of the kernel series are built and checked with.
SERIES_PACKAGES := gcc-aarch64-linux-gnu gcc-powerpc64le-linux-gnu gcc-s390x-linux-gnu gcc-m68k-linux-gnu \
	perl python3-git python3-ply sparse
SERIES := $(patsubst roles/kernel/files/%/patches,%,$(wildcard roles/kernel/files/*/patches))
# Those that are tried in guests.
KERNEL_SERIES ?= $(SERIES)
EACH_SERIES := $(MAKE) -f tests/kernel/series.mk -k $(KERNEL_SERIES)
QUICK := test_cells or test_kselftest or test_policy or test_random or test_all_ways or test_shared
SLURM_PACKAGES := munge slurm-wlm slurm-wlm-basic-plugins slurmdbd mariadb-server-core mariadb-client-core
WORKFLOWS := .github/workflows/ci.yaml orchestrator/starters/workflow.yaml
# What a machine that boots from its disk is made with.
MACHINE_PACKAGES := mmdebstrap grub-pc-bin grub-common qemu-utils fdisk e2fsprogs dosfstools mtools ovmf dpkg-dev debhelper

.PHONY: setup quickstart test test-unit coverage messages slow-test browser-test cloud-test slurm-test kernel-test \
	kernel-test-short kernel-test-quick kernel-test-debug kernel-test-experiments series-test machine-test architecture-test \
	audit chaos fuzz licences lint lock man release site packages-run packages-test performance clean help
# Packages come before what is made with them, also for `make -j`.
.NOTPARALLEL:

help:
	@sed -n 's/^#   //p' Makefile

setup: packages-run $(VENV)/.ready

quickstart: setup
	$(BIN)/orchestrate run experiments/quickstart.yaml $(if $(ARCH),--set hosts.qemu.machine.arch=$(ARCH))

test: packages-run packages-test $(VENV)/.dev lint
	$(MAKE) -s -C roles/migbench/files check
	$(MAKE) -s -C orchestrator/execution/runner check
	$(PYTEST) tests/unit -n auto
	$(PYTEST) tests/fuzz -n auto
	$(PYTEST) tests/integration $(WAITING) -m "not changes_settings and not slow"
	$(PYTEST) tests/integration -m changes_settings
	$(PYTEST) tests/chaos -n auto
	$(BIN)/python -m tests.performance --short
	$(PYTEST) -m "clouds and short" tests/clouds
	$(PYTEST) -m "slurm and not slow" tests/slurm
	$(PYTEST) -n auto --dist loadfile -m "not machine and not slow" tests/vm tests/browser

test-unit: $(VENV)/.test
	$(PYTEST) tests/unit -n auto -m "not slow"

# Data of several runs of pytest, and of the commands that tests start, is added up.
coverage: packages-run packages-test $(VENV)/.dev
	rm -f .coverage
	$(PYTEST) tests/unit tests/integration -n auto -m "not changes_settings and not slow" --cov --cov-report=
	$(PYTEST) tests/integration -m changes_settings --cov --cov-append --cov-report=term-missing

INPUTS ?= 10000

fuzz: packages-run packages-test $(VENV)/.dev
	$(BIN)/python -m tests.fuzz --inputs $(INPUTS)

MESSAGES := $(CURDIR)/.messages
MESSAGES_FROM := tests/unit tests/integration

messages: packages-run packages-test $(VENV)/.dev
	@rm -f $(MESSAGES)
	@TESTS_MESSAGES=$(MESSAGES) $(PYTEST) -q $(MESSAGES_FROM) >&2 || echo "some tests failed" >&2
	@LC_ALL=C sort -u $(MESSAGES)

slow-test: packages-run packages-test $(VENV)/.dev
	$(PYTEST) -m "slow and not machine" tests/integration tests/vm tests/browser

slurm-test: packages-test $(VENV)/.dev
	$(PYTEST) -m slurm tests/slurm

browser-test: packages-test $(VENV)/.dev
	$(PYTEST) -m browser

kernel-test: packages-run $(VENV)/.dev
	@sh tools/install-packages.sh $(PACKAGES_arm64) $(PACKAGES_ppc64le)
	KERNEL_TEST=full $(EACH_SERIES) SELECTION="-m kernel"

kernel-test-short: packages-run $(VENV)/.dev
	$(EACH_SERIES) SELECTION="-m 'kernel and not architectures' -k 'not debug and not test_experiments'"

kernel-test-quick: packages-run $(VENV)/.dev
	$(EACH_SERIES) SELECTION="-m 'kernel and not architectures' -k 'two_nodes and ($(QUICK))'"

kernel-test-debug: packages-run $(VENV)/.dev
	$(EACH_SERIES) SELECTION="-m 'kernel and not architectures' -k debug"

kernel-test-experiments: packages-run $(VENV)/.dev
	$(PYTEST) -m kernel tests/kernel/test_experiments.py

# All of them are checked, also after one with faults.
series-test: packages-run $(VENV)/.dev
	@sh tools/install-packages.sh $(SERIES_PACKAGES)
	@code=0; for series in $(SERIES); do tools/check-series $$series || code=1; done; exit $$code

cloud-test: packages-run packages-test $(VENV)/.dev
	$(PYTEST) -m clouds tests/clouds

RUNS ?= 500

chaos: packages-run packages-test $(VENV)/.dev
	$(BIN)/python -m tests.chaos --runs $(RUNS)

architecture-test: packages-run packages-test $(VENV)/.dev
	@sh tools/install-packages.sh $(PACKAGES_ppc64le)
	$(PYTEST) tests/vm/test_architectures.py
	$(PYTEST) -m architectures tests/kernel

performance: packages-run packages-test $(VENV)/.dev
	@sh tools/install-packages.sh kmod
	$(BIN)/python -m tests.performance

machine-test: packages-run packages-test $(VENV)/.dev
	@sh tools/install-packages.sh $(MACHINE_PACKAGES)
	$(PYTEST) -m machine tests/vm

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive orchestrator tools tools/build-runners tools/build-man
	$(BIN)/lint-imports --no-cache
	@$(LICENCES) >/dev/null
	shellcheck -x $$(git ls-files '*.sh') .ci/run tools/port-series tools/check-series
	$(BIN)/codespell
	$(BIN)/yamllint --strict $$(git ls-files '*.yaml')
	$(BIN)/check-jsonschema --check-metaschema $$(git ls-files '*schema.json')
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(MAKE) -s -C roles/migbench/files format-check
	$(MAKE) -s -C orchestrator/execution/runner format-check
	$(MAKE) -s -C tests/kernel/programs format-check
	clang-format --dry-run --Werror tests/integration/*.c tests/chaos/hosts/*.c tests/performance/programs/*.c \
		tools/count-instructions/*.c

packages-run:
	@sh tools/install-packages.sh $(RUN_PACKAGES) $(KERNEL_PACKAGES) $(PACKAGES_$(ARCH))

packages-test:
	@sh tools/install-packages.sh $(TEST_PACKAGES) $(SLURM_PACKAGES) $(PACKAGES_arm64)

# From any index: each file must have a hash of the lock.
INSTALL := $(BIN)/python -m pip install --quiet --require-hashes --requirement

$(VENV)/.ready: pyproject.toml requirements/run.txt
	@echo "installing Python packages into $(VENV) with pip, which may take some minutes"
	python3 -m venv $(VENV)
	$(INSTALL) requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.test $(VENV)/.site $(VENV)/.dev: $(VENV)/.%: $(VENV)/.ready requirements/%.txt
	@echo "installing more Python packages into $(VENV) with pip, which may take some minutes"
	$(INSTALL) requirements/$*.txt
	touch $@

audit: packages-run $(VENV)/.dev
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/audit.sh requirements/dev.txt

LICENCES := PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/licences.sh requirements/run.txt

licences: $(VENV)/.dev
	$(LICENCES) >docs/licences.md

# Each page at its path in the repository. A link that leads nowhere is an error.
site: $(VENV)/.site
	rm -rf build/site
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --conf-dir docs --doctree-dir build/doctrees . build/site
	@echo "build/site/index.html; to serve it: python3 -m http.server --bind 127.0.0.1 --directory build/site"

# For every supported Python and architecture. Another index than uv's own is named by UV_DEFAULT_INDEX.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group build \
	--custom-compile-command 'make lock' $(UPGRADE) pyproject.toml

lock: $(VENV)/.dev
	$(LOCK) --extra dev --output-file requirements/dev.txt
	$(LOCK) --extra site --constraint requirements/dev.txt --output-file requirements/site.txt
	$(LOCK) --extra test --constraint requirements/dev.txt --output-file requirements/test.txt
	$(LOCK) --constraint requirements/dev.txt --output-file requirements/run.txt

man: $(VENV)/.ready
	$(BIN)/python tools/build-man man

# The first time it stops for you to commit the notes that it has assembled.
release: $(VENV)/.dev
	@! ls changelog.d/+*.md >/dev/null 2>&1 || $(BIN)/towncrier build --yes
	PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/build-release.sh dist

clean:
	rm -rf $(VENV) man .mypy_cache .ruff_cache .pytest_cache .coverage* build dist
	$(MAKE) -s -C roles/migbench/files clean
	$(MAKE) -s -C orchestrator/execution/runner clean
