"""What a process does at the moment, as those see it who show it."""

from __future__ import annotations

import threading

from orchestrator.activities import Activity, current, doing, showing
from orchestrator.cli.heartbeat import summary
from orchestrator.cli.live import host_lines


def test_an_inner_activity_is_shown_with_the_host_and_the_block_around_it() -> None:
    block = Activity("n1", "preparing", label="block 2, kernel accel")
    block.done, block.total = 3, 12
    with showing(block), doing("", "booting", 300):
        (one,) = current()
        assert str(one) == "n1: booting, 0 s of at most 300 s"
        assert list(host_lines([one], 10)) == [
            "n1  3/12  block 2, kernel accel: booting, 0 s of at most 300 s"
        ]
    assert current() == []


def test_each_thread_has_its_own_line() -> None:
    both, over = threading.Barrier(3), threading.Event()

    def work(name: str) -> None:
        with doing(name, "connecting"):
            both.wait()
            over.wait()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    both.wait()
    seen = {one.who for one in current()}
    over.set()
    for thread in threads:
        thread.join()
    assert (seen, current()) == ({"a", "b"}, [])


def test_lines_of_many_hosts_are_bounded() -> None:
    with doing("n1", "connecting"):
        many = current() * 40
    assert list(host_lines(many, 3))[1:] == ["n1  connecting, 0 s", "... and 38 more"]
    assert len(list(host_lines(many, 40))) == 40


def test_hosts_are_shown_in_the_order_of_their_names() -> None:
    with doing("n10", "a"), doing("n9", "b"), doing("", "c"):
        (one,) = current()
    hosts = [one._replace(who=name) for name in ("n10", "", "n9", "a")]
    assert [line.split()[0] for line in host_lines(hosts, 9)] == ["c,", "a", "n9", "n10"]


def test_the_line_in_a_log_names_what_has_lasted_longest() -> None:
    assert summary() == ""
    with doing("", "fetching linux-image"):
        assert summary() == "fetching linux-image, 0 s"
