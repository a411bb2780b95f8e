"""Runs on rented machines of OpenStack: openstacksdk and blazarclient over HTTP, and a real sshd for each server."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clouds import fake_openstack
from tests.clouds.fake_openstack import FakeOpenStack
from tests.clouds.openstack_services import IMAGE, NO_HOST, PASSWORD
from tests.clouds.web_page import serving
from tests.running import Ended, User

BENCHMARK = """
benchmark:
  command: [sh, -c, 'echo "{n} {host_word}" >> EXECUTIONS; echo value={n}']
  metrics: {value: {key_value: value, unit: "1"}}
factors: {n: [1, 2, 3], host_word: [x]}
"""
OPTIONS = {
    "boot": False,
    "user": "root",
    "image": IMAGE,
    "ssh_from": "127.0.0.0/8",
    "network": "private",
    "flavors": ["m1.small"],
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeOpenStack]:
    with fake_openstack.serve(tmp_path_factory.mktemp("cloud") / "openstack") as fake:
        yield fake


@pytest.fixture
def cloud(api: FakeOpenStack) -> Iterator[FakeOpenStack]:
    api.reset()
    yield api
    api.reset()
    assert api.left() == {}


@pytest.fixture
def user(cloud: FakeOpenStack, tmp_path: Path) -> Iterator[User]:
    user = User(tmp_path, environment={**cloud.environment, "XDG_CACHE_HOME": str(tmp_path / "cache")})
    yield user
    user.close()


def experiment(user: User, needs: dict[str, Any] | None = None, limits: Any = None, **options: Any) -> Path:
    """Write the experiment; an option that is None is left out."""
    section = {key: value for key, value in (OPTIONS | options).items() if value is not None}
    hosts = {"provider": "openstack", "openstack": section, "needs": needs or {}}
    head = yaml.safe_dump({"name": "rented", "hosts": hosts})
    return user.file(head + BENCHMARK, **(limits or {}))


def refused(ended: Ended, code: int = 3) -> str:
    """The one line of a run that was refused."""
    assert ended.code == code, ended.err
    (line,) = ended.complaints
    return line


def body_of(cloud: FakeOpenStack, action: str) -> dict[str, Any]:
    return next(body for name, body in cloud.bodies if name == action)


@pytest.mark.short
def test_a_run_rents_a_machine_and_gives_it_back(cloud: FakeOpenStack, user: User) -> None:
    seen: list[str] = []

    def look(action: str) -> None:
        if action == "DELETE compute/servers/*":
            (machine,) = cloud.machines.values()
            seen.extend([machine.user_data, machine.host_key])

    cloud.before = look
    ended = user.run(experiment(user))
    assert ended.code == 0, ended.err
    user.assert_complete(9)
    assert cloud.left() == {}
    user_data, host_key_at_end = seen
    first_key = user_data.split("ed25519_private: |")[1].split("ed25519_public")[0]
    assert host_key_at_end.split() != first_key.split()
    rule = body_of(cloud, "POST network/security-group-rules")["security_group_rule"]
    assert (rule["port_range_min"], rule["port_range_max"]) == (22, 22)
    assert (rule["direction"], rule["remote_ip_prefix"]) == ("ingress", "127.0.0.0/8")
    secrets = (first_key.split()[4], PASSWORD)
    texts = [
        path.read_text()
        for path in (user.folder / "results").rglob("*")
        if path.suffix in (".log", ".json", ".jsonl")
    ]
    assert texts
    for text in (*texts, ended.out, ended.err):
        assert not any(secret in text for secret in secrets)
    assert not list((user.folder / "cache").rglob("identity"))


def test_the_plan_has_flavor_and_what_ends_the_machine(cloud: FakeOpenStack, user: User) -> None:
    printed = user.orchestrate("plan", experiment(user)).out
    assert "m1.small for about" in printed
    assert "price unknown" in printed
    assert "end: a lease of Blazar, if the site has Blazar; else a timer" in printed
    assert "end: a timer" in user.orchestrate("plan", experiment(user, lease=False)).out
    priced = user.orchestrate("plan", experiment(user, prices={"m1.small": 2}, lease=True)).out
    assert "USD at 2 USD/h (price of the experiment file)" in priced
    assert "end: a lease of Blazar\n" in priced
    chosen_later = user.orchestrate("plan", experiment(user, flavors=None)).out
    assert "a machine type of openstack: 127.0.0.1 here that meets hosts.needs for about" in chosen_later
    assert cloud.actions == []


@pytest.mark.parametrize(
    ("limits", "prices", "words"),
    [
        ({"max_cost": 1}, None, "limits.max_cost is set, but the price of m1.small is unknown"),
        ({"max_cost": 0.01}, {"m1.small": 5}, "limits.max_cost is 0.01 USD"),
        ({"max_hours": 0.1}, None, "limits.max_hours is 0.1"),
    ],
)
def test_limits_refuse_before_anything_is_created(
    cloud: FakeOpenStack, user: User, limits: dict[str, float], prices: Any, words: str
) -> None:
    assert words in refused(user.run(experiment(user, limits=limits, prices=prices)), 2)
    assert cloud.actions == []


def test_a_node_type_is_reserved_as_a_whole_host(cloud: FakeOpenStack, user: User) -> None:
    ended = user.run(experiment(user, flavors=None, node_types=["compute_skylake"]))
    assert ended.code == 0, ended.err
    (wanted,) = body_of(cloud, "POST reservation/leases")["reservations"]
    assert wanted["resource_type"] == "physical:host"
    assert json.loads(wanted["resource_properties"]) == ["==", "$node_type", "compute_skylake"]
    server = body_of(cloud, "POST compute/servers")
    assert server["OS-SCH-HNT:scheduler_hints"]["reservation"]
    assert server["server"]["flavorRef"] == "id-baremetal"


def test_the_next_flavor_is_tried_if_there_is_no_valid_host(cloud: FakeOpenStack, user: User) -> None:
    cloud.full = {"numa.large"}
    ended = user.run(experiment(user, flavors=["numa.large", "m1.small"]))
    assert ended.code == 0, ended.err
    assert f"numa.large in here: no capacity: {NO_HOST}" in ended.err
    user.assert_complete(9)


def test_no_capacity_anywhere(cloud: FakeOpenStack, user: User) -> None:
    cloud.full = {"numa.large", "m1.small"}
    ended = user.run(experiment(user, flavors=["numa.large", "m1.small"]))
    assert ended.code == 3
    assert ended.complaints[-1].endswith("no machine type is left to try")


def test_a_flavor_that_has_less_than_it_says(cloud: FakeOpenStack, user: User) -> None:

    ended = user.run(experiment(user, needs={"cpus": 50}, flavors=["numa.large"]))
    assert ended.code == 3
    assert "numa.large: needs 50 CPUs, host has" in ended.err


def test_a_flavor_is_chosen_by_needs(cloud: FakeOpenStack, user: User) -> None:
    ended = user.run(experiment(user, needs={"numa_nodes": 2, "cpus": 90}, flavors=None))
    assert ended.code == 3  # this machine has less
    tried = [
        body["server"]["metadata"]["orchestrate:type"]
        for name, body in cloud.bodies
        if name == "POST compute/servers"
    ]
    assert tried == ["baremetal", "metal.big"]


@pytest.mark.parametrize("reservable", [None, ("physical:host",)])
def test_without_leases_for_flavors_the_timer_is_told(
    cloud: FakeOpenStack, user: User, reservable: tuple[str, ...] | None
) -> None:
    cloud.has_blazar, cloud.reservable = reservable is not None, reservable or ()
    ended = user.run(experiment(user))
    assert ended.code == 0, ended.err
    assert "a timer powers the machine off, but the site keeps it until" in ended.err
    assert "use hosts.openstack.lease: false" in refused(user.run(experiment(user, lease=True)))


def test_the_end_of_the_lease_removes_the_machine(cloud: FakeOpenStack, user: User) -> None:
    kill_after(cloud, user, "POST network/floatingips")
    assert cloud.machines
    cloud.end_leases()
    assert not cloud.machines
    assert user.orchestrate("hosts", "down", "--orphans").code == 0


@pytest.mark.parametrize(
    ("action", "status", "message", "words"),
    [
        ("GET compute/servers/detail", 403, "Policy", "does not permit GET /compute/v2.1/servers/detail: Policy"),
        ("POST compute/servers", 403, "Policy does not allow it", "does not permit POST /compute/v2.1/servers"),
        ("POST compute/servers", 400, "Flavor's disk is too small", "Flavor's disk is too small"),
        ("POST network/security-groups", 404, "no network service", "no network service"),
        ("POST reservation/leases", 403, "not your project", "not your project"),
        ("POST identity/auth/tokens", 401, "requires login", "does not accept the credentials, or they have expired"),
        ("POST identity/auth/tokens", 500, "database is down", "database is down"),
    ],
)  # fmt: skip
def test_a_refusal_of_the_api_is_one_line(
    cloud: FakeOpenStack, user: User, action: str, status: int, message: str, words: str
) -> None:
    cloud.refuse[action] = [(status, message)]
    assert words in refused(user.run(experiment(user)))


@pytest.mark.parametrize(
    ("action", "status", "message"),
    [
        (
            "POST compute/servers",
            403,
            "Quota exceeded for cores: Requested 64, but already used 0 of 20 cores",
        ),
        ("POST compute/servers", 413, "This request was rate-limited"),
        ("POST network/security-groups", 409, "Quota exceeded for resources: ['security_group']."),
        ("POST network/floatingips", 409, "Quota exceeded for resources: ['floatingip']."),
        ("POST reservation/leases", 500, "Not enough hosts available"),
    ],
)
def test_quota_and_capacity(cloud: FakeOpenStack, user: User, action: str, status: int, message: str) -> None:
    cloud.refuse[action] = [(status, message)]
    ended = user.run(experiment(user))
    assert ended.code == 3
    kind = "no capacity" if "hosts" in message else "quota reached"
    assert f"{kind}: {message.rstrip('.')}" in ended.err
    assert "no machine type is left to try" in ended.err


def test_an_expired_token_is_renewed_and_503_is_asked_again(cloud: FakeOpenStack, user: User) -> None:
    for action in ("GET compute/flavors/detail", "POST network/security-groups", "DELETE compute/servers/*"):
        cloud.refuse[action] = [(503, "overloaded"), (401, "the token has expired")]
    cloud.delays["POST compute/servers"] = 2
    ended = user.run(experiment(user))
    assert ended.code == 0, ended.err
    user.assert_complete(9)


def test_503_for_good(cloud: FakeOpenStack, user: User) -> None:
    cloud.refuse["GET compute/flavors/detail"] = [(503, "overloaded")] * 9
    assert "service unavailable: overloaded; try again later" in refused(user.run(experiment(user)))


def test_every_request_is_delivered_twice(cloud: FakeOpenStack, user: User) -> None:
    cloud.twice = {
        "POST compute/servers", "POST compute/os-keypairs", "POST network/security-groups", "POST network/floatingips",
        "POST network/security-group-rules", "POST reservation/leases", "DELETE compute/servers/*",
        "DELETE compute/os-keypairs/*", "DELETE network/security-groups/*", "DELETE network/floatingips/*",
        "DELETE reservation/leases/*",
    }  # fmt: skip
    ended = user.run(experiment(user))
    assert ended.code == 0, ended.err
    user.assert_complete(9)
    assert cloud.twice <= set(cloud.actions)


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        ({"image": "windows"}, "hosts.openstack.image: windows: no such image", 2),
        ({"network": "nowhere"}, "hosts.openstack.network: nowhere: no such network", 2),
        (
            {"flavors": ["huge"]},
            "hosts.openstack.flavors: huge: no such flavor; the site has baremetal, m1.small",
            2,
        ),
        (
            {"floating_network": "private"},
            "hosts.openstack.floating_network: no such external network: private",
            2,
        ),
        ({"ssh_from": "home"}, "hosts.openstack.ssh_from: 'home' does not appear to be", 2),
        ({"cloud": "mine"}, "hosts.openstack: Cloud mine was not found", 2),
        ({"region": "elsewhere"}, "hosts.openstack: Region elsewhere is not a valid region name", 2),
        ({"image": None}, "image", 2),
        ({"flavours": ["x"]}, "did you mean 'flavors'?", 2),
        ({"node_types": ["compute_zen3"], "lease": False}, "node_types requires a lease", 2),
        ({"prices": {"large": 1}}, "hosts.openstack.prices: m1.small: no price", 2),
        ({"image": "twins"}, "More than one Image exists with the name 'twins'; give its id", 2),
        ({"prices": {"m1.small": -1}}, "expected a number > 0", 2),
    ],
)
def test_what_is_wrong_in_the_file(
    cloud: FakeOpenStack, user: User, options: dict[str, Any], words: str, code: int
) -> None:
    assert words in refused(user.run(experiment(user, **options)), code)


def test_no_flavor_meets_the_needs(cloud: FakeOpenStack, user: User) -> None:
    needs = {"numa_nodes": 2, "memory_per_node": "1TiB"}
    assert "m1.small: too small for hosts.needs" in refused(user.run(experiment(user, needs=needs)), 2)


def test_no_credentials(cloud: FakeOpenStack, user: User) -> None:
    user.environment = {name: value for name, value in user.environment.items() if not name.startswith("OS_")}
    user.environment["HOME"] = str(user.folder)
    assert refused(user.run(experiment(user))).startswith("no OpenStack credentials")
    down = user.orchestrate("hosts", "down", "--orphans")
    assert "openstack: skipped: no OpenStack credentials" in down.err
    user.environment |= cloud.environment | {"OS_PASSWORD": "wrong"}
    assert "does not accept the credentials" in refused(user.run(experiment(user)))
    user.environment |= {"OS_AUTH_URL": "http://127.0.0.1:9/v3"}
    assert "cannot reach 127.0.0.1 here" in refused(user.run(experiment(user)))


@pytest.mark.parametrize("cloud_name", [None, "chi-uc"])
@pytest.mark.parametrize("words", [("validate",), ("plan",), ("run", "--dry-run")])
def test_a_plan_needs_no_account(user: User, words: tuple[str, ...], cloud_name: str | None) -> None:
    file = experiment(user, cloud=cloud_name)
    user.environment = {"HOME": str(user.folder)}
    ended = user.orchestrate(*words, file)
    assert (ended.code, ended.complaints) == (0, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clouds: [", ":1: not YAML: "),
        ("clouds:\n\tmine: 1\n", ":2: not YAML: "),
        ("\0", ": not YAML: "),
        ("- 1\n", ": not a mapping"),
        ("clouds: mine\n", ": clouds: not a mapping"),
        ("clouds: {mine: null}\n", ": clouds.mine: not a mapping"),
        ("clouds: {mine: {auth: x}}\n", ": clouds.mine.auth: not a mapping"),
        ("clouds: {mine: {auth: {auth_url: 'htp:/x'}}}\n", "'htp:/x' is no http or https address"),
        ("", "hosts.openstack: Cloud mine was not found"),
    ],
)
def test_a_malformed_clouds_yaml(user: User, text: str, words: str) -> None:
    file = experiment(user, cloud="mine")
    (user.folder / "clouds.yaml").write_text(text)
    user.environment = {"HOME": str(user.folder)}
    assert words in refused(user.run(file), 2)


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ({"auth_url": "URL", "username": "a"}, "no OpenStack credentials: password is a required attribute"),
        ({"auth_url": "URL", "username": "a", "password": "b"}, "does not permit POST /v3/auth/tokens"),
    ],
)
def test_a_site_that_is_none(user: User, auth: dict[str, str], words: str) -> None:
    file = experiment(user, cloud="mine")
    with serving(403, b"<html>log in to the network</html>") as url:
        clouds = {"clouds": {"mine": {"auth": auth | {"auth_url": f"{url}/v3"}}}}
        (user.folder / "clouds.yaml").write_text(yaml.safe_dump(clouds))
        user.environment = {"HOME": str(user.folder)}
        assert words in refused(user.run(file))


def test_a_web_page_instead_of_the_site(user: User) -> None:
    with serving(200, b"<html>log in to the network</html>") as url:
        user.environment["OS_AUTH_URL"] = f"{url}/v3"
        assert "does not answer as OpenStack does" in refused(user.run(experiment(user)))


def test_a_region_of_the_environment_that_does_not_exist(user: User) -> None:
    user.environment["OS_REGION_NAME"] = "elsewhere"
    assert "check the region (hosts.openstack.region, OS_REGION_NAME)" in refused(user.run(experiment(user)))


def test_a_certificate_that_does_not_exist(user: User) -> None:
    user.environment |= {"OS_CACERT": "/nowhere.pem", "OS_AUTH_URL": "https://127.0.0.1:9/v3"}
    assert "invalid path: /nowhere.pem; check clouds.yaml" in refused(user.run(experiment(user)))


def test_without_the_libraries(cloud: FakeOpenStack, user: User) -> None:
    (user.folder / "openstack").mkdir()
    (user.folder / "openstack/__init__.py").write_text("raise ImportError\n")
    user.environment["PYTHONPATH"] = f"{user.folder}:{Path(__file__).parents[2]}"
    assert "-m pip install 'openstacksdk>=" in refused(user.run(experiment(user)))


def test_application_credentials_in_clouds_yaml(cloud: FakeOpenStack, user: User) -> None:
    auth = {
        "auth_url": cloud.environment["OS_AUTH_URL"],
        "application_credential_id": "numa",
        "application_credential_secret": PASSWORD,
    }
    clouds = {"clouds": {"mine": {"auth_type": "v3applicationcredential", "auth": auth}}}
    (user.folder / "clouds.yaml").write_text(yaml.safe_dump(clouds))
    for name in cloud.environment:
        del user.environment[name]
    ended = user.run(experiment(user, cloud="mine"))
    assert ended.code == 0, ended.err
    assert user.orchestrate("hosts", "down", "--orphans").out == "no orphans\n"


def kill_after(cloud: FakeOpenStack, user: User, which: str) -> None:
    """Begin a run and kill its controller after its first request of that name."""
    seen: list[str] = []
    file = experiment(user)

    def after(action: str) -> None:
        seen.append(action)
        if action == which:
            victim.send_signal(signal.SIGKILL)

    with cloud.lock:
        cloud.after = after
        victim = user.begin_run(file)
    user.end(victim)
    cloud.after = lambda action: None
    assert victim.returncode == -signal.SIGKILL, seen


def test_what_another_machine_has_rented_is_kept(cloud: FakeOpenStack, user: User) -> None:
    kill_after(cloud, user, "POST network/floatingips")
    user.environment["XDG_CACHE_HOME"] = str(user.folder / "another cache")
    assert "kept" in user.orchestrate("hosts", "down", "--orphans").out
    assert cloud.machines
    assert "removed server" in user.orchestrate("hosts", "down", "--orphans", "--all").out
