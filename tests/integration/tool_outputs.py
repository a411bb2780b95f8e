"""What real tools print, the metrics that an experiment reads from it, and the same figures by another way.

A figure's oracle reads the tool's own machine-readable form (JSON, CSV, YAML, /proc) with that format's own reader,
or computes the figure from other numbers of the same output. A string is the beginning of the reason for no figure.
"""

from __future__ import annotations

import csv
import json
import os
import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Spec = dict[str, Any]


@dataclass(frozen=True)
class Outputs:
    """The output of each tool: ``TOOL.out``, ``TOOL.err`` and files that it wrote itself."""

    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def json(self, name: str) -> Any:
        """A JSON file, or the one document between lines of text."""
        text = self.text(name)
        return json.JSONDecoder().raw_decode(text[text.index("{") :])[0]

    def numbers(self, name: str, pattern: str) -> list[float]:
        return [float(number) for number in re.findall(pattern, self.text(name), re.MULTILINE)]

    def size(self, name: str) -> int:
        """The size of a file that the tool wrote, in bytes."""
        return (self.folder / name).stat().st_size

    def number(self, name: str, pattern: str) -> float:
        (number,) = self.numbers(name, pattern)
        return number

    def rows(self, name: str, delimiter: str = ",") -> list[list[str]]:
        return list(csv.reader(self.text(name).splitlines(), delimiter=delimiter))

    def row(self, name: str, begin: str, delimiter: str = ",") -> list[str]:
        (row,) = (row for row in self.rows(name, delimiter) if row and row[0] == begin)
        return row


@dataclass(frozen=True)
class Figure:
    """A figure of a tool; ``within``: relative difference that rounding in the tool's output explains."""

    tool: str
    spec: Spec
    oracle: Callable[[Outputs], float | str]
    within: float = 0.0


#: by tool: the Debian package of its program, and the shell command
TOOLS = {
    "fio": (
        "fio",
        "fio --name=j --ioengine=null --size=64m --bs=4k --rw=randread --output-format=normal,json",
    ),
    "fio_terse": ("fio", "fio --name=j --ioengine=null --size=16m --bs=4k --rw=randread --minimal"),
    "fio_two": ("fio", "fio --ioengine=null --size=8m --rw=read --name=a --name=b --output-format=json"),
    "sysbench_memory": ("sysbench", "sysbench memory --memory-total-size=64M run"),
    "sysbench_cpu": ("sysbench", "sysbench cpu --time=0 --events=50 run"),
    "stress_ng": ("stress-ng", "stress-ng --vm 1 --vm-bytes 4m --vm-ops 200 --metrics --yaml stress.yaml"),
    "mbw": ("mbw", "mbw -q -n 3 -t0 64"),
    "mbw_methods": ("mbw", "mbw -q -n 1 8"),
    "numactl": ("numactl", "numactl --hardware"),
    "numastat": ("numactl", "numastat -m"),
    "perf_stat": ("linux-perf", "perf stat -x, -e task-clock,page-faults true"),
    "perf_bench": ("linux-perf", "perf bench sched pipe -l 500"),
    "hyperfine": ("hyperfine", "hyperfine -N -r 3 --export-json hyperfine.json 'sleep 0.01'"),
    "hyperfine_json": ("hyperfine", "hyperfine -N -r 3 --style none --export-json /dev/stdout 'sleep 0.01'"),
    "openssl": ("openssl", "openssl speed -mr -seconds 1 -bytes 64 md5"),
    "openssl_text": ("openssl", "openssl speed -seconds 1 -bytes 64 md5"),
    "dd": ("coreutils", "dd if=/dev/zero of=/dev/null bs=64k count=2000"),
    "ping": ("iputils-ping", "ping -c 3 -i 0.02 127.0.0.1"),
    "time": ("time", "env time -v -o /dev/stderr sh -c 'sleep 0.05'"),
    "time_short": ("time", "env time sh -c 'sleep 0.05'"),
    "vmstat": ("procps", "vmstat 1 2"),
    "vmstat_s": ("procps", "vmstat -s"),
    "free": ("procps", "free -b"),
    "meminfo": ("coreutils", "cat /proc/meminfo"),
    "lscpu": ("util-linux", "lscpu -J"),
    "ip": ("iproute2", "ip -j -s link show lo"),
    "iperf3": (
        "iperf3",
        "iperf3 -s -1 -D -B 127.0.0.1 -p 5299; sleep 0.2; iperf3 -c 127.0.0.1 -p 5299 -n 64M -J",
    ),
    "redis": (
        "redis-tools",
        "redis-server --port 6399 --save '' >redis.log & server=$!; sleep 0.3; "
        "redis-benchmark -p 6399 -n 500 -t set,get --csv; kill $server",
    ),
    "zstd": ("zstd", "seq 40000 >numbers; zstd -b1 -i0 numbers"),
    "zstd_list": ("zstd", "seq 40000 | zstd -q >numbers.zst; zstd -lv numbers.zst"),
    "xz": ("xz-utils", "seq 40000 >xz.txt; xz -k xz.txt; xz --robot --list xz.txt.xz"),
    "gzip": ("gzip", "seq 40000 >gzip.txt; gzip -k gzip.txt; gzip -l gzip.txt.gz"),
    "df": ("coreutils", "df -B1 --output=size /"),
    "stat": ("coreutils", "stat -c size=%s /proc/self/exe"),
    "du": ("coreutils", "head -c 12345 /dev/zero >zeros; du -b zeros"),
    "wc": ("coreutils", "seq 40000 | wc -lc"),
    "getconf": ("libc-bin", "getconf -a"),
    "curl": ("curl", "seq 40000 >page; curl -s -o copy -w 'size=%{size_download}\\n' file://$PWD/page"),
    "git": ("git", "git init -q r; cd r; echo x | git hash-object -w --stdin; git count-objects -v"),
    "gcc": ("gcc", "gcc -dumpfullversion"),
    "make": ("make", "make --version"),
    "nproc": ("coreutils", "nproc --all"),
    "timeit": ("python3", "python3 -m timeit -n 10 -u msec pass"),
    "lmbench_like": ("coreutils", "echo 209.72 424.38 >&2"),
    "stream_like": (
        "coreutils",
        r"printf 'Function    Best Rate MB/s  Avg time\nCopy:  12345.6   0.013\nTriad:  9876.5e0   1e-2\n'",
    ),
    "progress": (
        "coreutils",
        r"printf 'progress: 10%%\rprogress: 50%%\rbw=12.5\rdone\nrate: 1\rrate: 2\rrate: 3\n'",
    ),
    "commas": ("coreutils", "printf '%s\\n' '12,345,678 instructions' 'throughput: 1,69 GiB/s'"),
}


def _regex(pattern: str, unit: str, stream: str = "stdout") -> Spec:
    return {"regex": pattern, "unit": unit, "from": stream}


def _json(path: str | list[str | int], unit: str = "count") -> Spec:
    return {"json": path, "unit": unit}


def _token(outputs: Outputs, name: str, pattern: str) -> float | str:
    """The last token of the output: a figure if it is a plain number, else no figure."""
    token = re.findall(pattern, outputs.text(name), re.MULTILINE)[-1]
    return float(token) if re.fullmatch(r"[0-9.]+", token) else f"not the whole number: '{token}'"


def _fio(outputs: Outputs) -> Any:
    return outputs.json("fio.out")["jobs"][0]["read"]


def _node_memory() -> float:
    text = Path("/sys/devices/system/node/node0/meminfo").read_text()
    return int(text.split("MemTotal:")[1].split()[0]) / 1024


def _mem_total(_: Outputs) -> float:
    return int(Path("/proc/meminfo").read_text().split()[1])


def _stress(outputs: Outputs, key: str) -> float:
    return float(yaml.safe_load(outputs.text("stress.yaml"))["metrics"][0][key])


def _openssl_rate(outputs: Outputs) -> float:
    """Blocks of 64 bytes and seconds, which openssl prints to stderr."""
    _, count, _, seconds = next(row for row in outputs.rows("openssl.err", ":") if row[0] == "+R")
    return int(count) * 64 / float(seconds)


def _gzip_percent(outputs: Outputs) -> float:
    return 100 * (1 - outputs.size("gzip.txt.gz") / outputs.size("gzip.txt"))


def _make_version(outputs: Outputs) -> float | str:
    """A version such as 4.4.1 is no number."""
    version = outputs.text("make.out").split()[2]
    return float(version) if version.count(".") == 1 else "found, but '"


FIGURES = [
    Figure("fio", _json("jobs.0.read.bw_bytes", "B/s"), lambda o: _fio(o)["bw_bytes"]),
    Figure("fio", _json("jobs.0.read.iops", "1/s"), lambda o: _fio(o)["iops"]),
    Figure(
        "fio",
        _json(["jobs", 0, "read", "clat_ns", "percentile", "99.000000"], "ns"),
        lambda o: _fio(o)["clat_ns"]["percentile"]["99.000000"],
    ),
    Figure("fio", _regex(r"IOPS=([0-9.]+)", "1/s"), lambda o: _token(o, "fio.out", r"IOPS=([\w.]+)")),
    Figure(
        "fio", _regex(r"clat \(nsec\):.* avg=\s*([0-9.]+)", "ns"), lambda o: _fio(o)["clat_ns"]["mean"], 0.01
    ),
    Figure("fio", _regex(r"ctx=([0-9]+)", "count"), lambda o: o.json("fio.out")["jobs"][0]["ctx"]),
    Figure(
        "fio_terse",
        _regex(r"^3;(?:[^;]*;){5}([0-9]+);", "KiB/s"),
        lambda o: float(o.row("fio_terse.out", "3", ";")[6]),
    ),
    Figure(
        "fio_two",
        _json("jobs.1.read.io_bytes", "B"),
        lambda o: o.json("fio_two.out")["jobs"][1]["read"]["io_bytes"],
    ),
    Figure(
        "fio_two",
        _json(["fio version"]),
        lambda o: f"found, but {o.json('fio_two.out')['fio version']!r} is not a number",
    ),
    Figure(
        "sysbench_memory",
        _regex(r"transferred \(([0-9.]+) MiB/sec\)", "MiB/s"),
        lambda o: o.number("sysbench_memory.out", r"\(([0-9.]+) per second\)") / 1024,
        0.001,
    ),
    Figure("sysbench_memory", _regex(r"Total operations: (\d+) ", "count"), lambda o: 65536),
    Figure(
        "sysbench_memory",
        _regex(r"total time:\s+([0-9.]+)", "s"),
        lambda o: o.number("sysbench_memory.out", r"total time: *([\d.]+)s"),
    ),
    Figure("sysbench_cpu", _regex(r"total number of events:\s+([0-9]+)", "count"), lambda o: 50),
    Figure(
        "sysbench_cpu",
        _regex(r"95th percentile:\s+([0-9.]+)$", "ms"),
        lambda o: o.number("sysbench_cpu.out", r"95th percentile: *([\d.]+)$"),
    ),
    Figure("stress_ng", _regex(r"\bvm +(\d+) ", "count", "stderr"), lambda o: _stress(o, "bogo-ops")),
    Figure(
        "stress_ng",
        _regex(r"\bvm +\d+ +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+)", "1/s", "stderr"),
        lambda o: _stress(o, "bogo-ops-per-second-real-time"),
        0.001,
    ),
    Figure(
        "mbw",
        _regex(r"Copy: ([0-9.]+) MiB/s", "MiB/s"),
        lambda o: 64 / o.number("mbw.out", r"^AVG.*Elapsed: ([\d.]+)"),
        0.02,
    ),
    Figure(
        "mbw",
        _regex(r"(?s)\A.*?Copy: ([0-9.]+) MiB/s", "MiB/s"),
        lambda o: o.number("mbw.out", r"^0\t.*Copy: ([\d.]+)"),
    ),
    Figure(
        "mbw",
        _regex(r"^AVG.*Elapsed: ([0-9.]+)", "s"),
        lambda o: statistics.mean(o.numbers("mbw.out", r"^\d.*Elapsed: ([\d.]+)")),
        0.02,
    ),
    Figure(
        "mbw_methods",
        _regex(r"^0.*DUMB.*Copy: ([0-9.]+)", "MiB/s"),
        lambda o: o.numbers("mbw_methods.out", r"DUMB.*Copy: ([\d.]+)")[0],
    ),
    Figure("numactl", _regex(r"^node 0 size: (\d+) MB", "MB"), lambda o: int(_node_memory())),
    Figure("numastat", _regex(r"^MemTotal +([0-9.]+)", "MB"), lambda o: _node_memory(), 0.0001),
    Figure(
        "perf_stat",
        _regex(r"^([0-9.]+),msec,task-clock", "ms", "stderr"),
        lambda o: float(o.rows("perf_stat.err")[0][0]),
    ),
    Figure(
        "perf_stat",
        _regex(r"^([0-9]+),,page-faults", "count", "stderr"),
        lambda o: float(o.rows("perf_stat.err")[1][0]),
    ),
    Figure(
        "perf_bench",
        _regex(r"([0-9.]+) usecs/op", "us"),
        lambda o: 1e6 / o.number("perf_bench.out", r"(\d+) ops/sec"),
        0.001,
    ),
    Figure(
        "hyperfine",
        _regex(r"Time \(mean ± σ\): +([0-9.]+) ms", "ms"),
        lambda o: o.json("hyperfine.json")["results"][0]["mean"] * 1000,
        0.01,
    ),
    Figure(
        "hyperfine",
        _regex(r"Range \(min … max\): +([0-9.]+) ms", "ms"),
        lambda o: o.json("hyperfine.json")["results"][0]["min"] * 1000,
        0.01,
    ),
    Figure(
        "hyperfine_json",
        _json("results.0.times.2", "s"),
        lambda o: o.json("hyperfine_json.out")["results"][0]["times"][2],
    ),
    Figure("openssl", _regex(r"^\+F:\d+:md5:([0-9.]+)$", "B/s"), _openssl_rate, 0.001),
    Figure(
        "openssl_text",
        _regex(r"^md5 +([0-9.]+)", "kB/s"),
        lambda o: f"not the whole number: '{o.text('openssl_text.out').split()[-1]}'",
    ),
    Figure(
        "openssl_text",
        _regex(r"^md5 +([0-9.]+)k", "kB/s"),
        lambda o: o.number("openssl_text.out", r"^md5 +([\d.]+)k$"),
    ),
    Figure("dd", _regex(r"^(\d+) bytes", "B", "stderr"), lambda o: 64 * 1024 * 2000),
    Figure(
        "dd",
        _regex(r"copied, ([0-9.]+) s, ", "s", "stderr"),
        lambda o: o.number("dd.err", r"copied, ([\d.]+) s"),
    ),
    Figure(
        "ping",
        _regex(r"= [0-9.]+/([0-9.]+)/", "ms"),
        lambda o: statistics.mean(o.numbers("ping.out", r"time=([\d.]+)")),
        0.05,
    ),
    Figure("ping", _regex(r"(\d+)% packet loss", "%"), lambda o: 0),
    Figure(
        "time",
        _regex(r"Maximum resident set size \(kbytes\): (\d+)", "kB", "stderr"),
        lambda o: float(o.text("time.err").split("(kbytes): ")[5].split()[0]),
    ),
    Figure("time", _regex(r"m:ss\): ([0-9.]+)", "s", "stderr"), lambda o: "not the whole number: '0:00."),
    Figure(
        "time_short", _regex(r"([0-9.]+)elapsed", "s", "stderr"), lambda o: "not the whole number: '0:00."
    ),
    Figure(
        "time_short",
        _regex(r" ([0-9.]+)system", "s", "stderr"),
        lambda o: o.number("time_short.err", r"user ([\d.]+)system"),
    ),
    Figure(
        "vmstat",
        _regex(r"^ *\d+ +\d+ +\d+ +(\d+)", "KiB"),
        lambda o: float(o.text("vmstat.out").splitlines()[-1].split()[3]),
    ),
    Figure("vmstat_s", _regex(r"^ *(\d+) K total memory", "KiB"), _mem_total),
    Figure("free", _regex(r"^Mem: +(\d+)", "B"), lambda o: 1024 * _mem_total(o)),
    Figure("meminfo", _regex(r"^MemTotal: +(\d+) kB$", "kB"), _mem_total),
    Figure("lscpu", _json("lscpu.0.field"), lambda o: "found, but 'Architecture:' is not a number"),
    Figure("ip", _json("0.mtu", "B"), lambda o: int(Path("/sys/class/net/lo/mtu").read_text())),
    Figure(
        "iperf3",
        _json("end.sum_received.bits_per_second", "bit/s"),
        lambda o: (s := o.json("iperf3.out")["end"]["sum_received"])["bytes"] * 8 / s["seconds"],
        0.001,
    ),
    Figure("redis", _regex(r'^"GET","([0-9.]+)"', "1/s"), lambda o: float(o.row("redis.out", "GET")[1])),
    Figure(
        "redis",
        _regex(r'^"SET",(?:"[^"]*",){3}"([0-9.]+)"', "ms"),
        lambda o: float(o.row("redis.out", "SET")[4]),
    ),
    Figure(
        "zstd",
        _regex(r"-> *(\d+) \(x", "B"),
        lambda o: float(o.text("zstd.out").split("\r")[-1].split("->")[-1].split()[0]),
    ),
    Figure("zstd_list", _regex(r"^# Zstandard Frames: (\d+)$", "count"), lambda o: 1),
    Figure("zstd_list", _regex(r"^Compressed Size: .*\((\d+) B\)$", "B"), lambda o: o.size("numbers.zst")),
    Figure("xz", _regex(r"^file\t\d+\t\d+\t(\d+)", "B"), lambda o: o.size("xz.txt.xz")),
    Figure("xz", _regex(r"^totals\t\d+\t\d+\t\d+\t(\d+)", "B"), lambda o: o.size("xz.txt")),
    Figure("gzip", _regex(r"^ *(\d+) +\d+ ", "B"), lambda o: o.size("gzip.txt.gz")),
    Figure("gzip", _regex(r" (-?[0-9.]+)%", "%"), _gzip_percent, 0.01),
    Figure("df", _regex(r"^ *(\d+)$", "B"), lambda o: (s := os.statvfs("/")).f_blocks * s.f_frsize),
    Figure(
        "stat",
        {"key_value": "size", "unit": "B"},
        lambda o: float(o.text("stat.out").partition("=")[2]),
    ),
    Figure("du", _regex(r"^(\d+)\tzeros$", "B"), lambda o: o.size("zeros")),
    Figure("wc", _regex(r"^ *(\d+) +\d+$", "count"), lambda o: 40000),
    Figure("getconf", _regex(r"^PAGESIZE +(\d+)$", "B"), lambda o: os.sysconf("SC_PAGESIZE")),
    Figure("curl", {"key_value": "size", "unit": "B"}, lambda o: o.size("page")),
    Figure("git", _regex(r"^count: (\d+)$", "count"), lambda o: 1),
    Figure("gcc", _regex(r"^([0-9.]+)$", "x"), lambda o: "found, but '"),
    Figure("make", _regex(r"^GNU Make ([0-9.]+)$", "x"), _make_version),
    Figure("nproc", _regex(r"^(\d+)$", "count"), lambda o: os.sysconf("SC_NPROCESSORS_CONF")),
    Figure(
        "timeit",
        _regex(r"best of 5: ([0-9.e-]+) msec", "ms"),
        lambda o: o.number("timeit.out", r"5: (\S+) msec"),
    ),
    Figure("lmbench_like", _regex(r"^[0-9.]+ ([0-9.]+)$", "MB/s", "stderr"), lambda o: 424.38),
    Figure("lmbench_like", _regex(r"^[0-9.]+ ([0-9.]+)$", "MB/s"), lambda o: "not found"),
    Figure("stream_like", _regex(r"^Copy: +([0-9.]+)", "MB/s"), lambda o: 12345.6),
    Figure(
        "stream_like", _regex(r"^Triad: +([0-9.]+)", "MB/s"), lambda o: "not the whole number: '9876.5e0'"
    ),
    Figure("progress", _regex(r"^bw=([0-9.]+)$", "GiB/s"), lambda o: 12.5),
    Figure("progress", {"key_value": "bw", "unit": "GiB/s"}, lambda o: 12.5),
    Figure("progress", _regex(r"rate: ([0-9.]+)", "x"), lambda o: 3),
    Figure(
        "commas", _regex(r"([0-9.]+) instructions", "count"), lambda o: "not the whole number: '12,345,678'"
    ),
    Figure("commas", _regex(r"throughput: ([0-9.]+)", "GiB/s"), lambda o: "not the whole number: '1,69'"),
]
