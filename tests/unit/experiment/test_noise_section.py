"""The section ``noise`` of an experiment file."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment, KernelMessages, Noise

MINIMAL = "version: 1\nbenchmark: {command: [prog], metrics: {x: {key_value: x, unit: s}}}\n"


def with_noise(folder: Path, text: str) -> Experiment:
    (folder / "e.yaml").write_text(MINIMAL + text)
    return load(folder / "e.yaml", provider_options={})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Noise()),
        ("noise: {}", Noise()),
        ("noise: {kernel_log: {}}", Noise()),
        ("noise: false", None),
        ("noise: {steal: false, throttling: false, kernel_log: false, retries: 0}",
         Noise(retries=0, steal=None, throttling=False, kernel_log=None)),
        ("noise: {steal: 5%, load: 1.5, frequency: 2.4GHz, logins: 1}",
         Noise(steal=0.05, load=1.5, frequency=2.4e9, logins=1)),
        ("noise: {memory_per_node: 1GiB, free_huge_pages_per_node: 8}",
         Noise(memory_per_node=2**30, free_huge_pages_per_node=8)),
        ("noise: {kernel_log: {level: warning, ignore: [usb .*, EXT4]}}",
         Noise(kernel_log=KernelMessages(4, ("usb .*", "EXT4")))),
    ],
)  # fmt: skip
def test_the_section_is_read(text: str, expected: Noise | None, tmp_path: Path) -> None:
    assert with_noise(tmp_path, text).noise == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("noise: true", "3:8: expected false; found true"),
        ("noise: {lode: 3}", "3:9: unknown key 'lode'; did you mean 'load'?"),
        ("noise: {steal: 3}", "3:16: expected a share such as 25%, or false; found the number 3; did you mean '3%'?"),
        ("noise: {load: -1}", "3:15: expected a number >= 0; found the number -1"),
        ("noise: {frequency: 2.4 Ghz}", "3:20: unknown unit 'Ghz' in frequency '2.4 Ghz'; did you mean '2.4GHz'?"),
        ("noise: {kernel_log: {level: error}}", "3:29: expected one of emerg, alert, crit, err, warning, notice"),
        ("noise: {kernel_log: {ignore: ['(']}}", "3:31: invalid regular expression '(': missing ), unterminated"),
    ],
)  # fmt: skip
def test_faults_are_reported(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        with_noise(tmp_path, text)
    assert f"e.yaml:{fault}" in str(caught.value)


def test_limits_change_the_content_hash(tmp_path: Path) -> None:
    hashes = [with_noise(tmp_path, text).content_hash for text in ("", "noise: {load: 3}", "noise: false")]
    assert len(set(hashes)) == 3
    assert with_noise(tmp_path, "noise: {retries: 2}").content_hash == hashes[0]
