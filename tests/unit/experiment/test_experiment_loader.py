from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import (
    Experiment,
    Kernel,
    Level,
    Limits,
    Metric,
    Needs,
    Repetitions,
    Setting,
    Status,
    Until,
)
from orchestrator.plan.plan import Plan

MIGBENCH = "version: 1\nbenchmark: {role: migbench}\n"
COMMAND = """\
version: 1
benchmark:
  command: [copy, "--size={size}", "{kernel}", "{{}}"]
  arguments: {size: 4KiB}
  metrics: {speed: {key_value: speed, unit: GiB/s}, time: {regex: 'took ([0-9]+)', unit: s, better: lower}}
  headline: time
  exit_codes: {3: unsupported}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, text: str, overrides: Sequence[str] = (), name: str = "My Sweep.yaml") -> Experiment:
    file = folder / name
    file.write_text(text)
    return load(file, overrides=overrides)


def levels(experiment: Experiment, factor: str) -> list[tuple[str, object]]:
    return [
        (level.text, level.value)
        for axis in experiment.sweep.axes
        for one in axis.factors
        if one.name == factor
        for level in one.levels
    ]


def test_defaults(folder: Path) -> None:
    experiment = read(folder, MIGBENCH)
    assert experiment.name == "my-sweep"
    assert experiment.hosts.provider == "local"
    assert experiment.hosts.needs == Needs(numa_nodes=2)  # the minimum of migbench
    assert experiment.kernels == (Kernel("default"),)
    assert [role.name for role in experiment.roles] == ["migbench"]
    assert experiment.repetitions == Repetitions(3, 1)
    assert experiment.limits == Limits()
    assert experiment.benchmark.headline == "throughput"
    assert experiment.benchmark.exit_codes[3] is Status.UNSUPPORTED
    assert experiment.sweep.axes == ()


def test_any_command_is_a_benchmark(folder: Path) -> None:
    benchmark = read(folder, COMMAND).benchmark
    assert (benchmark.name, benchmark.role, benchmark.options) == ("copy", None, ())
    assert benchmark.arguments == {"size": Level("4KiB", 4096)}
    assert benchmark.metrics[1] == Metric("time", "s", "regex", "took ([0-9]+)", "lower")
    assert benchmark.headline == "time"
    assert benchmark.exit_codes == {0: Status.OK, 3: Status.UNSUPPORTED}


def test_levels_have_a_text_as_written_and_a_value(folder: Path) -> None:
    factors = "factors: {size: [4KiB, 2MiB, 500ms, 1.50, 0x10, true, '17', 2017-02-17, on]}\n"
    assert levels(read(folder, COMMAND + factors), "size") == [
        ("4KiB", 4096),
        ("2MiB", 2**21),
        ("500ms", 0.5),
        ("1.50", 1.5),
        ("0x10", 16),
        ("true", True),
        ("17", "17"),
        ("2017-02-17", "2017-02-17"),
        ("on", "on"),
    ]
    assert levels(read(folder, COMMAND + "factors: {size: [4k, 8k]}\n"), "size") == [
        ("4k", "4k"),
        ("8k", "8k"),
    ]


@pytest.mark.parametrize(
    ("series", "texts"),
    [
        ("{range: {from: 1, to: 7, step: 3}}", ["1", "4", "7"]),
        ("{range: {from: 3, to: 1, step: -1}}", ["3", "2", "1"]),
        ("{range: {from: 0.1, to: 0.5, step: 0.1}}", ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        ("{range: {from: 0, to: 8KiB, step: 4KiB}}", ["0B", "4KiB", "8KiB"]),
        ("{range: {from: 1, to: 1}}", ["1"]),
        ("{geometric: {from: 1, to: 9}}", ["1", "2", "4", "8"]),
        ("{geometric: {from: 4KiB, to: 2MiB, ratio: 16}}", ["4KiB", "64KiB", "1MiB"]),
        ("{geometric: {from: 1, to: 3, ratio: 1.5}}", ["1", "1.5", "2.25"]),
    ],
)
def test_series_are_exact(folder: Path, series: str, texts: list[str]) -> None:
    experiment = read(folder, COMMAND + f"factors: {{size: {series}}}\n")
    assert [text for text, _ in levels(experiment, "size")] == texts


def test_several_kernels_are_swept_by_default(folder: Path) -> None:
    kernels = "kernels: {stock: default, own: running, cloud: {package: linux-image-cloud-amd64}}\n"
    experiment = read(folder, MIGBENCH + kernels)
    assert [text for text, _ in levels(experiment, "kernel")] == ["stock", "own", "cloud"]
    assert experiment.kernels[2] == Kernel("cloud", "package", package="linux-image-cloud-amd64")
    fewer = read(folder, MIGBENCH + kernels + "factors: {kernel: [cloud]}\n")
    assert [text for text, _ in levels(fewer, "kernel")] == ["cloud"]


def test_an_image_is_relative_to_the_file(folder: Path) -> None:
    (folder / "build" / "lib" / "modules").mkdir(parents=True)
    (folder / "build" / "bzImage").touch()
    experiment = read(folder, MIGBENCH + "kernels: {own: {image: build/bzImage, modules: build}}\n")
    assert experiment.kernels == (
        Kernel("own", "image", image=folder / "build" / "bzImage", modules=folder / "build"),
    )


def test_tuning_becomes_settings(folder: Path) -> None:
    experiment = read(
        folder,
        MIGBENCH
        + """\
tuning:
  sysctl: {vm.zone_reclaim_mode: 0, vm.min_free_kbytes: 65536, vm.overcommit: true}
  sysfs: {/sys/kernel/mm/ksm/run: 0}
  transparent_hugepages: {enabled: madvise, sizes: {64KiB: inherit}}
  hugepages: {2MiB: {0: 16, 1: 8}, 1GiB: 1}
  numa_balancing: false
  cpu: {governor: performance, turbo: false}
  placement: {cpus: 0-3, irqs: 0}
""",
    )
    thp, nodes = "/sys/kernel/mm/transparent_hugepage", "/sys/devices/system/node"
    assert experiment.tuning.cpus == "0-3"
    assert experiment.tuning.settings == (
        Setting("/proc/sys/vm/zone_reclaim_mode", "0"),
        Setting("/proc/sys/vm/min_free_kbytes", "65536"),
        Setting("/proc/sys/vm/overcommit", "1"),
        Setting("/sys/kernel/mm/ksm/run", "0"),
        Setting(f"{thp}/enabled", "madvise"),
        Setting(f"{thp}/hugepages-64kB/enabled", "inherit"),
        Setting(f"{nodes}/node0/hugepages/hugepages-2048kB/nr_hugepages", "16"),
        Setting(f"{nodes}/node1/hugepages/hugepages-2048kB/nr_hugepages", "8"),
        Setting("/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "1"),
        Setting("/proc/sys/kernel/numa_balancing", "0", off_if_missing=True),
        Setting("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", "performance", optional=True),
        Setting("/sys/devices/system/cpu/intel_pstate/no_turbo", "1", optional=True),
        Setting("/sys/devices/system/cpu/cpufreq/boost", "0", optional=True),
        Setting("/proc/irq/*/smp_affinity_list", "0", optional=True),
    )


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("sysctl.vm.min_free_kbytes", "64MiB", "65536"),
        ("sysctl.vm.min_free_kbytes", "65536", "65536"),
        ("sysctl.vm.min_free_kbytes", "1500B", "1500B"),  # the kernel refuses it
        ("sysctl.vm.dirty_bytes", "64MiB", "67108864"),
        ("sysfs./sys/block/vda/queue/read_ahead_kb", "2MiB", "2048"),
        ("sysctl.net.ipv4.ip_local_reserved_ports", "'9000,8081,8080'", "8080-8081,9000"),
        ("sysctl.net.ipv4.ip_local_reserved_ports", "8080-x", "8080-x"),
        ("sysctl.kernel.core_pattern", "'3,1'", "3,1"),
    ],
)
def test_a_value_is_written_as_the_kernel_prints_it(
    folder: Path, name: str, value: str, written: str
) -> None:
    kind, _, key = name.partition(".")
    in_tuning = read(folder, MIGBENCH + f"tuning: {{{kind}: {{{key}: {value}}}}}\n")
    assert [setting.value for setting in in_tuning.tuning.settings] == [written]
    as_factor = read(folder, MIGBENCH + f"factors: {{{name}: [{value}]}}\n")
    assert [setting.value for cell in Plan(as_factor).cells() for setting in cell.settings] == [written]


def test_the_cpus_of_interrupts_are_written_as_the_kernel_prints_them(folder: Path) -> None:
    (setting,) = read(folder, MIGBENCH + "tuning: {placement: {irqs: '2,0,1'}}\n").tuning.settings
    assert setting.value == "0-2"


def test_node_numbers_determine_the_minimum_of_nodes(folder: Path) -> None:
    assert read(folder, MIGBENCH + "factors: {target_node: [1, 3]}\n").hosts.needs.nodes == (1, 3)
    assert read(folder, MIGBENCH + "factors: {target_node: [1, 3, 8]}\n").hosts.needs.numa_nodes == 3
    assert read(folder, MIGBENCH + "hosts: {needs: {numa_nodes: 8}}\n").hosts.needs.numa_nodes == 8


def test_gaps_in_node_numbers_keep_the_hash_of_earlier_versions(folder: Path) -> None:
    gap, named = (
        read(folder, MIGBENCH + f"factors: {{target_node: [1, 3]}}\nhosts: {{needs: {{numa_nodes: {n}}}}}\n")
        for n in (2, 4)
    )
    assert gap.hosts.needs.numa_nodes == 2
    assert gap.content_hash == named.content_hash


def test_derived_factors_are_in_evaluation_order(folder: Path) -> None:
    text = MIGBENCH + "factors: {pages: [1]}\nderive: {c: b + a, a: pages * 2, b: a + 1}\n"
    assert [derived.name for derived in read(folder, text).sweep.derived] == ["a", "b", "c"]


def test_the_name_of_a_mode_is_a_predicate(folder: Path) -> None:
    text = MIGBENCH + "factors: {mode: [serial, parallel]}\nallow_unsupported: [parallel, pages > 3, dma]\n"
    text = text.replace("migbench}", "migbench, arguments: {pages: 4}}")
    allowed = read(folder, text).allow_unsupported
    assert [str(predicate) for predicate in allowed] == ["mode == 'parallel'", "pages > 3", "mode == 'dma'"]


def test_an_excluded_cell_needs_no_value(folder: Path) -> None:
    text = MIGBENCH + "factors: {threads: [0, 1]}\nderive: {share: 100 / threads}\nexclude: [threads == 0]\n"
    assert read(folder, text).sweep.derived[0].name == "share"


def test_the_search_path_of_roles_starts_at_the_file(folder: Path) -> None:
    for place in (folder / "roles", folder / "inner" / "roles"):
        (place / "quiet").mkdir(parents=True)
    assert (
        read(folder / "inner", MIGBENCH + "roles: [quiet]\n").roles[0].folder == folder / "inner/roles/quiet"
    )
    (folder / "inner" / "deep").mkdir()
    assert read(folder / "inner" / "deep", MIGBENCH + "roles: [quiet]\n").roles[0].folder == (
        folder / "inner/roles/quiet"
    )
    extra = folder / "extra"
    (extra / "quiet").mkdir(parents=True)
    found = load(folder / "inner" / "My Sweep.yaml", role_path=[extra]).roles
    assert [role.name for role in found] == ["quiet", "migbench"]
    assert found[0].folder == extra / "quiet"


def test_the_role_of_the_benchmark_may_be_listed_first(folder: Path) -> None:
    (folder / "roles" / "quiet").mkdir(parents=True)
    experiment = read(folder, MIGBENCH + "roles: [migbench, quiet]\n")
    assert [role.name for role in experiment.roles] == ["migbench", "quiet"]


def test_roles_have_variables_and_tags(folder: Path) -> None:
    (folder / "roles" / "quiet").mkdir(parents=True)
    plain = read(folder, MIGBENCH + "roles: [quiet]\n")
    given = read(
        folder, MIGBENCH + "roles: [{role: quiet, vars: {timers: [a.timer], on: true}, tags: [x]}]\n"
    )
    role = given.roles[0]
    assert role.variables == {"timers": ["a.timer"], "on": True}
    assert role.tags == ("x",)
    assert given.content_hash != plain.content_hash
    assert read(folder, MIGBENCH + "roles: [{role: quiet}]\n").content_hash == plain.content_hash


def test_overrides_replace_values_of_the_file(folder: Path) -> None:
    text = MIGBENCH + "factors: {pages: [1, 2], threads: {range: {from: 1, to: 4}}}\nrepetitions: 5\n"
    overrides = [
        "factors.pages=[8]",
        "factors.threads.range.to=2",
        "factors.sysctl.vm.mt_page_copy=[0, 1]",
        "tuning.sysctl.vm.zone_reclaim_mode=0",
        "benchmark.arguments.memory=thp",
        "repetitions={count: 4, boots: 2}",
        "limits.trial=5",
        "name=other",
    ]
    experiment = read(folder, text, overrides)
    assert experiment.name == "other"
    assert levels(experiment, "pages") == [("8", 8)]
    assert levels(experiment, "threads") == [("1", 1), ("2", 2)]
    assert levels(experiment, "sysctl.vm.mt_page_copy") == [("0", 0), ("1", 1)]
    assert experiment.tuning.settings == (Setting("/proc/sys/vm/zone_reclaim_mode", "0"),)
    assert experiment.benchmark.arguments["memory"] == Level("thp", "thp")
    assert experiment.repetitions == Repetitions(4, 2)
    assert experiment.limits.trial == 5


def test_an_override_without_a_value_removes_the_key(folder: Path) -> None:
    experiment = read(folder, MIGBENCH + "factors: {pages: [1]}\n", ["factors.pages="])
    assert experiment.sweep.axes == ()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("repetitions", "--set repetitions: expected key=value, such as repetitions.count=5"),
        ("=3", "--set =3: expected key=value, such as repetitions.count=5"),
        ("repetition=3", "--set repetition=3: unknown key 'repetition'; did you mean 'repetitions'?"),
        (
            "limits.trail=3",
            "--set limits.trail=3: unknown key 'trail'; did you mean 'trial'?",
        ),
        (
            "factors.pages=[",
            "--set factors.pages=[: invalid YAML: expected the node content, but found '<stream end>' "
            "(while parsing a flow node)",
        ),
        (
            "version.minor=1",
            "--set version.minor=1: 'version' is not a mapping but the number 1; replace it as a whole",
        ),
        ("name=&a [*a]", "--set name=&a [*a]: nested more than 60 levels deep, or a recursive alias"),
        (
            "limits.trial=3 parsec",
            "--set limits.trial=3 parsec: unknown unit 'parsec' in duration '3 parsec'",
        ),
    ],
)
def test_faults_of_an_override_name_the_override(folder: Path, override: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(folder, MIGBENCH, [override])
    assert len(caught.value.faults) == 1
    assert str(caught.value).startswith(message)


def test_the_content_hash_depends_on_the_suite_and_not_on_its_mirror(folder: Path) -> None:
    def hash_of(keys: str) -> str:
        return read(folder, f"{MIGBENCH}kernels: {{k: {{package: linux-image-amd64{keys}}}}}\n").content_hash

    suite = hash_of(", suite: sid")
    assert len({hash_of(""), suite, hash_of(", suite: trixie"), hash_of(", suite: sid, version: 7.3-1")}) == 4
    assert hash_of(", suite: sid, mirror: file:/srv/debian, keyring: keys.gpg") == suite


def test_the_content_hash_depends_on_the_content_only(folder: Path) -> None:
    plain = read(folder, MIGBENCH + "factors: {pages: [1, 2]}\n")
    same = read(
        folder,
        "# a comment\nbenchmark:\n  role: migbench\nfactors:\n  pages:\n    - 1\n    - 2\nversion: 1\n"
        "repetitions: {count: 3}\ndescription: in other words\n",
    )
    assert same.content_hash == plain.content_hash
    assert len(plain.content_hash) == 64
    others = [
        read(folder, MIGBENCH + "factors: {pages: [1, 3]}\n"),
        read(folder, MIGBENCH + "factors: {pages: [1, 2]}\n", ["order.seed=1"]),
        read(folder, MIGBENCH + "factors: {pages: [1, 2]}\nexclude: [pages > 1]\n"),
    ]
    assert len({plain.content_hash, *(other.content_hash for other in others)}) == 4


def test_defaults_of_the_stop_rule(folder: Path) -> None:
    rule = "repetitions: {max: 30, until: {half_width: 1.5%}}\n"
    assert read(folder, MIGBENCH + rule).repetitions == Repetitions(30, 30, Until(6, 0.015, 0.95))
    rule = "repetitions: {min: 10, max: 30, boots: 15, until: {half_width: 2%, confidence: 99%}}\n"
    assert read(folder, MIGBENCH + rule).repetitions == Repetitions(30, 15, Until(10, 0.02, 0.99))


def test_the_content_hash_of_old_files_does_not_change(folder: Path) -> None:
    text = "version: 1\nname: old\nbenchmark: {command: [prog], metrics: {x: {key_value: x, unit: s}}}\n"
    assert (
        read(folder, text).content_hash == "9c1d0f88fad039ae77f4f82c7fbcd5ed6787b0e4aafb77f0826c64be5261778d"
    )
    tuned = "tuning: {numa_balancing: false, cpu: {turbo: false}}\nhosts: {needs: {cpus: 2}}\n"
    assert read(folder, text + tuned).content_hash == (
        "4d06d3019f3c5e5bbca6ec8263d3213d577463cd9ce82e21d70c33ab52f4aab3"
    )
    rule = "repetitions: {max: 30, until: {half_width: 2%}}\n"
    assert read(folder, text + rule).content_hash != read(folder, text + "repetitions: 30\n").content_hash


def test_the_content_hash_does_not_depend_on_the_folder(folder: Path) -> None:
    text = MIGBENCH + "kernels: {own: {image: bzImage}}\n"
    hashes = set()
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "bzImage").touch()
        hashes.add(read(folder / name, text).content_hash)
    assert len(hashes) == 1
