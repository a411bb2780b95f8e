"""The section ``compare``: the baseline of each cell and the published figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Comparison, Published
from orchestrator.experiment.published import find_dataset

SEED = """
version: 1
benchmark: {role: migbench}
factors:
  mode: [serial, parallel, parallel+concurrent]
  threads: [1, 8]
  page_size: [2MiB]
  pages: [1, 16]
exclude: ["mode == 'serial' and threads > 1"]
compare:
  baseline: {mode: serial, threads: 1, page_size: 2048KiB}
  published:
    dataset: rfc2017-cover
    columns: {mechanism: mode, threads: threads, page_bytes: page_size, pages: pages}
"""


def read(folder: Path, text: str, overrides: Sequence[str] = ()) -> Comparison:
    file = folder / "sweep.yaml"
    file.write_text(text)
    found = load(file, overrides=overrides).compare
    assert found is not None
    return found


def published(folder: Path, text: str, overrides: Sequence[str] = ()) -> Published:
    found = read(folder, text, overrides).published
    assert found is not None
    return found


def figures(found: Published) -> dict[tuple[str, ...], tuple[float, float | None]]:
    return {tuple(figure.levels.values()): (figure.value, figure.baseline) for figure in found.figures}


def test_without_the_section_nothing_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("version: 1\nbenchmark: {role: migbench}\n")
    assert load(file).compare is None


def test_the_baseline_has_the_spelling_of_the_sweep(tmp_path: Path) -> None:
    found = read(tmp_path, SEED)
    assert found.baseline == {"mode": "serial", "threads": "1", "page_size": "2MiB"}
    assert found.metric == "throughput"
    assert read(tmp_path, SEED, ["compare.metric=call_latency"]).metric == "call_latency"


def test_each_cell_with_a_row_has_its_figure_and_that_of_its_baseline(tmp_path: Path) -> None:
    found = published(tmp_path, SEED)
    assert figures(found) == {
        ("serial", "1", "2MiB", "1"): (3.0, 3.0),
        ("serial", "1", "2MiB", "16"): (3.3, 3.3),
        ("parallel", "8", "2MiB", "1"): (8.6, 3.0),
        ("parallel+concurrent", "8", "2MiB", "16"): (14.4, 3.3),
    }
    assert set(found.figures[0].levels) == {"mode", "threads", "page_size", "pages"}
    assert found.source == "Zi Yan, linux-mm, 2017-02-17, 20170217150551.117028-1-zi.yan@sent.com"
    assert (found.machine, found.better) == ("2 x Intel E5-2640v3", "higher")


def test_columns_may_use_derived_factors_and_arguments(tmp_path: Path) -> None:
    text = SEED.replace("mechanism: mode", "mechanism: who").replace("  page_size: [2MiB]\n", "")
    text = text.replace(", page_size: 2048KiB", "") + "derive: {who: mode + '', size: pages}\n"
    text = text.replace("pages: pages}", "pages: size}")
    found = published(tmp_path, text, ["benchmark.arguments.page_size=2MiB"])
    assert figures(found)["parallel+concurrent", "8", "16"] == (14.4, 3.3)
    assert set(found.figures[0].levels) == {"mode", "threads", "pages"}, "factors, not derived factors"


def test_a_figure_without_published_baseline(tmp_path: Path) -> None:
    baseline = "compare.baseline={mode: parallel, threads: 1}"
    assert figures(published(tmp_path, SEED, [baseline]))["parallel", "8", "2MiB", "1"] == (8.6, None)


@pytest.mark.parametrize(
    ("baseline", "whole"),
    [
        ("{mode: serial}", {"mode": "serial", "threads": "1"}),
        ("{threads: 1}", {"mode": "serial", "threads": "1"}),
        ("{threads: 8}", {"threads": "8"}),  # two rows of the zip match: the mode stays that of the cell
    ],
)
def test_factors_zipped_with_the_baseline_belong_to_it(
    tmp_path: Path, baseline: str, whole: dict[str, str]
) -> None:
    text = SEED.replace("exclude:", "zip: [[mode, threads]]\nexclude:")
    overrides = [
        "factors.mode=[serial, parallel, parallel+concurrent]",
        "factors.threads=[1, 8, 8]",
        f"compare.baseline={baseline}",
    ]
    found = read(tmp_path, text, overrides)
    assert found.baseline == whole
    assert found.published
    key = ("parallel+concurrent", "8", "2MiB", "16")
    expected = 3.3 if "mode" in whole else 14.4
    assert figures(found.published)[key] == (14.4, expected)


def test_a_kernel_that_is_swept_may_be_the_baseline(tmp_path: Path) -> None:
    text = SEED + "kernels: {stock: default, own: running}\n"
    found = read(tmp_path, text, ["compare.baseline={kernel: stock}"])
    assert found.baseline == {"kernel": "stock"}
    assert found.published
    assert figures(found.published)["parallel", "8", "2MiB", "1"] == (8.6, 8.6), (
        "published of one kernel only"
    )


def test_a_value_that_a_row_does_not_state_matches_any(tmp_path: Path) -> None:
    text = """
version: 1
benchmark: {role: migbench}
factors:
  mode: [serial, parallel+concurrent]
  threads: [4]
  page_size: [4KiB, 2MiB]
compare:
  baseline: {mode: serial}
  published:
    dataset: amd-v3-foliosize
    columns:
      mechanism: "'baseline' if mode == 'serial' else 'mtcopy'"
      threads_or_channels: threads
      folio_bytes: page_size
    value: mean
"""
    assert figures(published(tmp_path, text))["parallel+concurrent", "4", "2MiB"] == (31.41, 10.67)


def test_datasets_are_found_by_id() -> None:
    assert find_dataset("nov2016-cover").column("value") == (0.98, 2.97, 0.06, 8.58)
    with pytest.raises(BadInput, match="did you mean 'rfc2019-cover'"):
        find_dataset("rfc2019")
