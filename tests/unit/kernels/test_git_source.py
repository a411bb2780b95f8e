"""Messages about git repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import KernelError
from orchestrator.kernels.source import GitSource


def test_no_message_has_the_password_of_a_repository() -> None:
    with pytest.raises(KernelError) as error:
        GitSource("http://user:s3cret@127.0.0.1:9/linux.git", "v6.12")
    assert str(error.value).startswith("git ls-remote http://127.0.0.1:9/linux.git failed")
    assert "s3cret" not in str(error.value)


def test_the_commit_of_a_repository_cannot_be_fetched(tmp_path: Path) -> None:
    source = GitSource("http://user:s3cret@127.0.0.1:9/linux.git", "0" * 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path))
        with pytest.raises(KernelError) as error:
            source.copy_to(tmp_path / "tree")
    assert "from http://127.0.0.1:9/linux.git" in str(error.value)
    assert "s3cret" not in str(error.value)
