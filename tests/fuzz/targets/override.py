"""Arguments of ``--set`` and ``--where``."""

from __future__ import annotations

from orchestrator.documents.expressions import Expression
from orchestrator.experiment.loader import load
from tests.fuzz import mutation, seeds
from tests.fuzz.target import Target

FILE = seeds.ROOT / "experiments" / "quickstart.yaml"


def run(data: bytes) -> None:
    override, _, where = data.decode("utf-8", "surrogateescape").partition("\n")
    load(FILE, overrides=[override])
    Expression(where).unknown(["threads", "pages"])


TARGET = Target(
    "override",
    run,
    ("orchestrator.experiment.overrides",),
    lambda: [
        b"repetitions.count=5\nmode == 'serial'",
        b"factors.threads=[1, 2]\nthreads > 1",
        b"factors.threads=\npages * page_size <= '1GiB'",
        b"tuning.sysctl.vm.swappiness=1\nmode in ['serial', 'mbind']",
        b"benchmark.arguments.pages={range: [1, 8]}\nnot dax",
        b"hosts.qemu.nodes=[{cpus: 1, memory: 1GiB}]\ntrue",
        b"limits.trial=5min\nlog2(pages) < 3 or mode != 'copy'",
    ],
    mutation.text(b"factors.", b"hosts.", b".count", b"[", b"{a: ", b"&a", b"*a", b"=", b".."),
)
