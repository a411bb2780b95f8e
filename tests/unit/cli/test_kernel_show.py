"""``orchestrate kernel show`` of kernels that are not in the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.calls import orchestrate

RECIPE = "linux-6.12-base"
NOT_BUILT = "orchestrate: recipe {0} is not built yet; build it with: orchestrate kernel build {0}\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (RECIPE, NOT_BUILT.format(RECIPE)),
        ("mine.yaml", NOT_BUILT.format("mine.yaml")),
        ("./mine.yaml", NOT_BUILT.format("./mine.yaml")),
        ("other.yaml", "orchestrate: {folder}/other.yaml: No such file or directory\n"),
        (
            "ffff",
            "orchestrate: kernel 'ffff' not found in {folder}/cache/orchestrate/kernels; there are none\n",
        ),
    ],
)
def test_a_kernel_that_is_not_in_the_cache(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "mine.yaml").touch()
    done = orchestrate("kernel", "show", name, folder=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert (done.returncode, done.stderr) == (2, message.format(folder=tmp_path))
