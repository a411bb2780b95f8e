from __future__ import annotations

import itertools
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment, Setting
from orchestrator.plan import Plan
from orchestrator.plan.cells import expression_values

SWEEP = """\
version: 1
benchmark: {role: migbench, arguments: {memory: thp}}
factors:
  mode: [serial, copy]
  page_size: [4KiB, 2MiB]
  pages: [512, 16]
  threads: [1, 2, 4]
zip: [[page_size, pages]]
derive: {total: pages * page_size}
exclude: [mode == 'serial' and threads > 1]
repetitions: {count: 5, boots: 2}
"""
KERNELS = """\
version: 1
benchmark: {role: migbench}
kernels: {a: default, b: running, c: {package: linux-image-amd64}}
factors: {pages: [1, 2, 3], kernel: [a, b, c]}
repetitions: {count: 4, boots: 4}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, text: str, overrides: Sequence[str] = ()) -> Experiment:
    file = folder / "sweep.yaml"
    file.write_text(text)
    return load(file, overrides=overrides)


def shown(plan: Plan, *factors: str) -> list[tuple[str, ...]]:
    return [tuple(cell.levels[name].text for name in factors) for cell in plan.cells()]


def all_trials(plan: Plan) -> list[str]:
    return [trial.id for block in plan.blocks() for trial in plan.trials(block)]


def test_cells_are_the_product_in_the_order_of_the_file(folder: Path) -> None:
    plan = Plan(read(folder, SWEEP))
    assert shown(plan, "mode", "page_size", "pages", "threads", "total") == [
        ("serial", "4KiB", "512", "1", "2097152"),
        ("serial", "2MiB", "16", "1", "33554432"),
        ("copy", "4KiB", "512", "1", "2097152"),
        ("copy", "4KiB", "512", "2", "2097152"),
        ("copy", "4KiB", "512", "4", "2097152"),
        ("copy", "2MiB", "16", "1", "33554432"),
        ("copy", "2MiB", "16", "2", "33554432"),
        ("copy", "2MiB", "16", "4", "33554432"),
    ]
    assert plan.cell_count == 8
    assert plan.trial_count == 40


def test_a_cell_has_the_complete_command(folder: Path) -> None:
    cell = next(Plan(read(folder, SWEEP)).cells())
    assert cell.argv == (
        "./migbench",
        "--mode=serial",
        "--page-size=4KiB",
        "--memory=thp",
        "--pages=512",
        "--threads=1",
    )
    assert cell.kernel == "default"
    assert "kernel" not in cell.levels


def test_placeholders_are_factors_arguments_and_the_kernel(folder: Path) -> None:
    text = """\
version: 1
benchmark:
  command: [run, "--at={node}/{size}", "{kernel}", "{{x}}", "{flag}", 3]
  arguments: {size: 4KiB, flag: true}
  metrics: {speed: {key_value: speed, unit: GiB/s}}
factors: {node: [0, 1]}
"""
    cells = list(Plan(read(folder, text)).cells())
    assert cells[1].argv == ("run", "--at=1/4KiB", "default", "{x}", "true", "3")


def test_sysctl_and_sysfs_factors_become_settings(folder: Path) -> None:
    text = """\
version: 1
benchmark: {role: migbench}
factors:
  sysctl.vm.mt_page_copy: [true]
  sysfs./sys/kernel/mm/ksm/run: [0]
  sysctl.vm.some_bytes: [2MiB]
"""
    (cell,) = Plan(read(folder, text)).cells()
    assert cell.argv == ("./migbench",)
    assert cell.settings == (
        Setting("/proc/sys/vm/mt_page_copy", "1"),
        Setting("/sys/kernel/mm/ksm/run", "0"),
        Setting("/proc/sys/vm/some_bytes", "2097152"),
    )


def test_ids_never_change(folder: Path) -> None:
    """Results of old runs have these ids. Any change breaks comparisons with them."""
    plan = Plan(read(folder, SWEEP))
    assert next(plan.cells()).id == "2bbe0bdd4973"
    block = next(plan.blocks())
    assert next(plan.trials(block)).id == "43579c3638c3"


def test_ids_are_hashes_of_ascii(folder: Path) -> None:
    """So they were when Python's json module wrote what is hashed."""
    text = """
version: 1
name: odd
benchmark: {command: [printf, "a\\x7f", "{level}"], metrics: {x: {key_value: x, unit: s}}}
factors: {level: ["é", "\\U0001F600", 'q"']}
repetitions: 1
"""
    ids = [cell.id for cell in Plan(read(folder, text)).cells()]
    assert ids == ["247fd7f66201", "8ff6eaf3f175", "e77a16f405f2"]


def test_ids_do_not_depend_on_the_order_of_factors(folder: Path) -> None:
    text = "version: 1\nbenchmark: {role: migbench}\nfactors:\n"
    one = Plan(read(folder, text + "  mode: [serial]\n  pages: [1, 2]\n"))
    other = Plan(read(folder, text + "  pages: [2, 1]\n  mode: [copy, serial]\n"))
    assert {cell.id for cell in one.cells()} < {cell.id for cell in other.cells()}


def test_ids_depend_on_all_parts_of_a_cell(folder: Path) -> None:
    text = "version: 1\nbenchmark: {role: migbench}\nfactors: {pages: [1]}\n"
    variants = [
        [],
        ["factors.pages=[2]"],
        ["benchmark.arguments.memory=thp"],
        ["factors.sysctl.vm.x=[1]"],
        ["factors.sysctl.vm.x=[2]"],
        ["kernels={own: running}"],
        ["benchmark.name=other"],
    ]
    ids = {cell.id for overrides in variants for cell in Plan(read(folder, text, overrides)).cells()}
    assert len(ids) == len(variants)
    assert all(len(id) == 12 for id in ids)


def test_each_trial_is_in_exactly_one_block(folder: Path) -> None:
    plan = Plan(read(folder, SWEEP))
    blocks = list(plan.blocks())
    assert [(block.index, block.boot) for block in blocks] == [(0, 0), (1, 1)]
    assert [plan.trials_in(block) for block in blocks] == [24, 16]
    found = Counter(
        (trial.cell.id, trial.repetition, block.boot) for block in blocks for trial in plan.trials(block)
    )
    expected = {(cell.id, k, k % 2) for cell in plan.cells() for k in range(5)}
    assert set(found) == expected
    assert max(found.values()) == 1
    assert len(set(all_trials(plan))) == plan.trial_count


def test_the_order_of_kernels_rotates(folder: Path) -> None:
    plan = Plan(read(folder, KERNELS))
    kernels = [block.kernel for block in plan.blocks()]
    assert "".join(kernels) == "abcbcacababc"
    assert [block.index for block in plan.blocks()] == list(range(12))
    assert all(trial.cell.kernel == block.kernel for block in plan.blocks() for trial in plan.trials(block))
    assert len(set(all_trials(plan))) == plan.trial_count == 36


def test_a_kernel_without_cells_is_not_booted(folder: Path) -> None:
    plan = Plan(read(folder, KERNELS), where=["kernel != 'b'"])
    assert "".join(block.kernel for block in plan.blocks()) == "accaacca"
    assert plan.cell_count == 6


def test_a_kernel_may_be_zipped_with_other_factors(folder: Path) -> None:
    text = KERNELS.replace("pages: [1, 2, 3], kernel: [a, b, c]", "pages: [1, 2, 3], kernel: [a, c, a]")
    plan = Plan(read(folder, text + "zip: [[kernel, pages]]\n"))
    found = {
        (block.kernel, trial.cell.levels["pages"].text)
        for block in plan.blocks()
        for trial in plan.trials(block)
    }
    assert found == {("a", "1"), ("a", "3"), ("c", "2")}
    assert [plan.trials_in(block) for block in itertools.islice(plan.blocks(), 2)] == [2, 1]


def test_the_random_order_depends_on_the_seed(folder: Path) -> None:
    once, again = Plan(read(folder, SWEEP)), Plan(read(folder, SWEEP))
    other = Plan(read(folder, SWEEP, ["order.seed=1"]))
    assert all_trials(once) == all_trials(again)
    assert all_trials(once) != all_trials(other)
    assert sorted(all_trials(once)) == sorted(all_trials(other))


def test_the_listed_order_is_repetition_by_repetition(folder: Path) -> None:
    plan = Plan(read(folder, SWEEP, ["order.within_block=listed", "repetitions=2"]))
    (block,) = plan.blocks()
    cells = [cell.id for cell in plan.cells()]
    assert [(trial.repetition, trial.cell.id) for trial in plan.trials(block)] == [
        *((0, cell) for cell in cells),
        *((1, cell) for cell in cells),
    ]


@pytest.mark.parametrize("limit", range(1, 11))
def test_a_limit_keeps_the_first_cells(folder: Path, limit: int) -> None:
    for text in (SWEEP, KERNELS):
        experiment = read(folder, text)
        whole, part = Plan(experiment), Plan(experiment, first=limit)
        kept = [cell.id for cell in whole.cells()][:limit]
        assert [cell.id for cell in part.cells()] == kept
        assert part.cell_count == len(kept)
        assert part.trial_count == len(all_trials(part)) == sum(map(part.trials_in, part.blocks()))
        assert {t.cell.id for block in part.blocks() for t in part.trials(block)} == set(kept)


def test_a_selection_reads_as_that_of_runs_made_with_the_former_option(folder: Path) -> None:
    """``--limit N`` became ``--first N``; the scope of a run is a hash of this text."""
    assert Plan(read(folder, SWEEP), ["threads > 1"], first=2).selection == ("threads > 1", "limit 2")


def test_where_narrows_and_keeps_ids_and_order(folder: Path) -> None:
    experiment = read(folder, SWEEP)
    whole, part = Plan(experiment), Plan(experiment, ["page_size == '2MiB'"], first=3)
    assert part.cell_count == 3
    kept = set(all_trials(part))
    wanted = [trial.id for block in whole.blocks() for trial in whole.trials(block) if trial.id in kept]
    assert len(wanted) == 15
    part_without_limit = Plan(experiment, ["page_size == '2MiB'"])
    assert [id for id in all_trials(part_without_limit) if id in kept] == wanted


def test_names_in_where_are_checked(folder: Path) -> None:
    with pytest.raises(BadInput) as caught:
        Plan(read(folder, SWEEP), ["thread > 1", "memory == 'thp' or kernl == 'a'"])
    assert [str(fault) for fault in caught.value.faults] == [
        "--where thread > 1: 'thread' is not a factor or an argument; did you mean 'threads'? "
        "(column 1 of the expression)",
        "--where memory == 'thp' or kernl == 'a': 'kernl' is not a factor or an argument; "
        "did you mean 'kernel'? (column 20 of the expression)",
    ]


def test_a_selection_without_cells_is_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match="no cell matches --where"):
        Plan(read(folder, SWEEP), ["threads > 100"])
    with pytest.raises(BadInput, match="--first 0: expected 1 or more"):
        Plan(read(folder, SWEEP), first=0)


def test_expressions_are_evaluated_before_the_run(folder: Path) -> None:
    text = (
        "version: 1\nbenchmark: {role: migbench}\nfactors: {threads: [1, 0]}\nderive: {share: 8 / threads}\n"
    )
    with pytest.raises(
        BadInput, match="cannot evaluate '8 / threads' for cell threads=0: cannot compute 8 / 0"
    ):
        Plan(read(folder, text))


def test_an_experiment_without_factors_is_one_cell(folder: Path) -> None:
    plan = Plan(read(folder, "version: 1\nbenchmark: {role: migbench}\n"))
    assert plan.cell_count == 1
    assert len(all_trials(plan)) == 3


def test_expressions_can_use_arguments_and_the_kernel(folder: Path) -> None:
    experiment = read(folder, SWEEP)
    cell = next(Plan(experiment).cells())
    assert expression_values(experiment.benchmark, cell) == {
        "kernel": "default",
        "memory": "thp",
        "mode": "serial",
        "page_size": 4096,
        "pages": 512,
        "threads": 1,
        "total": 2**21,
    }


def test_the_estimate_has_a_basis(folder: Path) -> None:
    plan = Plan(read(folder, SWEEP))
    guessed, measured = plan.estimate(boot_s=15), plan.estimate(trial_s=4, boot_s=10)
    assert (guessed.seconds, guessed.basis) == (110, "40 × 2s per trial (assumed), 2 × 15s per boot")
    assert (measured.seconds, measured.basis) == (
        180,
        "40 × 4s per trial (measured in an earlier run), 2 × 10s per boot",
    )


def test_boots_that_run_at_once_share_the_time(folder: Path) -> None:
    plan = Plan(read(folder, SWEEP))
    both = plan.estimate(boot_s=15, at_once=8)
    assert (both.seconds, both.basis) == (
        55,
        "40 × 2s per trial (assumed), 2 × 15s per boot, 2 boots at once",
    )


def test_boots_do_not_run_at_once_if_a_rule_may_stop_them(folder: Path) -> None:
    plan = Plan(
        read(
            folder,
            SWEEP.replace("{count: 5, boots: 2}", "{min: 6, max: 12, until: {half_width: 2%}, boots: 2}"),
        )
    )
    assert plan.estimate(boot_s=15, at_once=8) == plan.estimate(boot_s=15)


def test_a_limit_of_guest_time_is_told_in_wall_time(folder: Path) -> None:
    plan = Plan(read(folder, SWEEP + "limits: {trial: 100ms}\n"))
    wall, guest = plan.estimate(), plan.estimate(environment="vm-icount")
    assert guest.seconds == 5 * wall.seconds
    assert (wall.clock, "limits.trial is 100ms of guest time, about 500ms of wall time" in guest.clock) == (
        "",
        True,
    )


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_trials(folder: Path) -> None:
    text = "version: 1\nbenchmark: {role: migbench}\nfactors:\n"
    text += "  pages: {range: {from: 1, to: 1000}}\n  threads: {range: {from: 1, to: 100}}\nrepetitions: 10\n"
    plan = Plan(read(folder, text))
    (block,) = plan.blocks()
    assert plan.trial_count == 1_000_000
    tracemalloc.start()
    try:
        for _ in itertools.islice(plan.trials(block), 20_000):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 1024 * 1024  # a list of a million numbers alone would hold 8 MB
