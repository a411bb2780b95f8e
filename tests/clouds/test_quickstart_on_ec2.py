"""The quickstart on a rented machine with two NUMA nodes: the same table as elsewhere, and nothing is left."""

from __future__ import annotations

from pathlib import Path

from tests.clouds import fake_ec2
from tests.clouds.numa_guest import NumaGuest
from tests.running import Ended, User

QUICKSTART = Path(__file__).parents[2] / "experiments/quickstart.yaml"
HERE = (
    "hosts.ec2.ssh_from=127.0.0.0/8",  # nothing here asks the internet for an address
    "hosts.ec2.user=root",
    "hosts.ec2.boot=false",  # a reboot would lose the files of a guest without a disk
    "limits.settle=0",  # an emulated CPU is not idle while this machine runs other tests
)


def cells(ended: Ended) -> list[list[str]]:
    """The table's head, and the factors and numbers of trials of its rows."""
    lines = ended.out.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("mode "))
    rows = [line.split()[:4] for line in lines[head + 3 :] if "KiB" in line or "MiB" in line]
    return [lines[head].split(), *rows]


def test_the_same_table_as_on_other_machines(tmp_path: Path) -> None:
    with fake_ec2.serve(tmp_path / "ec2") as api:
        api.new_machine = NumaGuest
        cache = str(tmp_path / "cache")
        environment = {**api.environment, "XDG_CACHE_HOME": cache, "AWS_REGION": fake_ec2.REGION}
        rented = User(tmp_path, environment=environment)
        options = [word for setting in HERE for word in ("--set", setting)]
        ended = rented.end(rented.begin("run", QUICKSTART, "--provider", "ec2", *options), 1800)
        assert ended.code == 0, ended.err
        rented.assert_complete(24)
        assert api.left() == {}
    print(ended.err, ended.out)
    here = User(tmp_path / "here")
    here.folder.mkdir()
    other = here.end(here.begin("run", QUICKSTART), 1800)
    assert other.code == 0, other.err
    assert cells(ended) == cells(other)
    assert len(cells(ended)) == 9
