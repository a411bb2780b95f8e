"""32 hosts, some of which die: the run is complete, or says what is missing, and takes hardly longer than its work."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from tests.integration.netns import a_fleet

HOSTS = 32
KILLED = 3
TRIAL_S = 3
TRIALS = 640
MOST_RATIO = 1.3

SWEEP = f"""
name: fleet
hosts: {{provider: ssh, group: fleet, fleet: shard}}
benchmark:
  command: [sh, -c, 'sleep {TRIAL_S}; echo x={{n}}']
  metrics: {{x: {{key_value: x, unit: count}}}}
factors: {{n: {{range: {{from: 1, to: {TRIALS // 2}}}}}}}
repetitions: 2
"""


def seconds(record: dict[str, str]) -> float:
    return (datetime.fromisoformat(record["end"]) - datetime.fromisoformat(record["start"])).total_seconds()


@pytest.mark.slow
def test_a_tenth_of_the_hosts_dies_and_the_run_is_complete(tmp_path: Path) -> None:
    chance = random.Random(5)
    with a_fleet(tmp_path) as fleet:
        for number in range(1, HOSTS + 1):
            fleet.add(f"h{number:02}")
        fleet.wait_until_up()
        user = fleet.user(tmp_path)
        victims = chance.sample(fleet.hosts, KILLED)
        began = time.monotonic()
        run = user.begin_run(user.file(SWEEP))
        for done, victim in zip(sorted(chance.sample(range(32, TRIALS - 128), KILLED)), victims, strict=True):
            user.wait_for(lambda done=done: len(user.trials) >= done, run)
            victim.kill()
        ended = user.end(run)
        wall = time.monotonic() - began
    assert ended.code == 0, ended.err
    user.assert_complete(TRIALS)
    assert user.statuses == {"ok": TRIALS}
    work: dict[str, float] = defaultdict(float)
    for trial in user.trials:
        work[trial["host"]] += seconds(trial)
    outcomes = {record["host"]: record["outcome"] for record in user.of_type("host")}
    assert {name for name, outcome in outcomes.items() if outcome != "done"} == {
        host.name for host in victims
    }
    assert {outcomes[host.name] for host in victims} == {"lost"}
    ratio = wall / max(work.values())
    print(f"wall {wall:.1f} s, slowest host's own work {max(work.values()):.1f} s, ratio {ratio:.2f}")
    assert ratio <= MOST_RATIO, ended.err
