"""Configuration files: what is accepted, and how each mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.config.node_config import NodeConfig
from park.config.parsing import examined, parse
from park.config.quantities import Endpoint
from park.errors import ConfigurationInvalid

ROOT = Path(__file__).parents[3]
SINGLE = """
[node]
name = "garage"
role = "single"
data_dir = "var/garage"
[bench]
[park]
name = "garage"
[authorization]
[backend]
url = "ws://127.0.0.1:9000/ocpp"
identity = "GARAGE"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 62.5]
meter = "house"
external_fallback_amps = [20, 20, 20]
[[meter]]
name = "house"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:5020"
[[reader]]
name = "door"
driver = "virtual"
serves = ["cp1"]
[[charge_point]]
name = "cp1"
connector = 1
circuit = "grid"
driver = "virtual"
[[charge_point]]
name = "cp2"
connector = 2
circuit = "grid"
driver = "virtual"
"""
CLIENT = """
[node]
name = "bay"
role = "client"
data_dir = "var/bay"
[bench]
[server]
park = "carpark"
address = "192.168.1.2:7070"
[[charge_point]]
name = "cp1"
driver = "virtual"
"""
SERVER = """
[node]
name = "server"
role = "server"
data_dir = "var/server"
[park]
name = "carpark"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
[[circuit]]
name = "row"
parent = "grid"
limit_amps = [32, 32, 32]
[[placement]]
charge_point = "bay/cp1"
connector = 1
circuit = "row"
"""


def accepted(text: str) -> NodeConfig:
    return parse(text, "garage.toml")


def findings(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse(text, "garage.toml")
    return caught.value.findings


def changed(old: str, new: str, text: str = SINGLE) -> str:
    """The file with one place changed."""
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


@pytest.mark.parametrize("name", ["single", "server", "client"])
def test_the_example_files_are_valid(name: str):
    config = parse((ROOT / f"examples/{name}.toml").read_text(encoding="utf-8"), name)
    assert config.node.role == name


def test_a_role_opens_only_what_it_needs():
    assert accepted(SINGLE).listeners == {"energy": Endpoint("127.0.0.1", 7071), "metrics": Endpoint("127.0.0.1", 9470)}
    assert set(accepted(SERVER).listeners) == {"boards", "pairing", "energy", "metrics"}
    assert set(accepted(CLIENT).listeners) == {"energy", "metrics"}
    assert set(accepted(changed("[park]", '[listen]\nenergy = ""\n[park]')).listeners) == {"metrics"}


WRONG_VALUES = [
    ('driver = "virtual"\nserves', 'driver = "virtuel"\nserves', "reader[door].driver", "did you mean 'virtual'?"),
    ("limit_amps", "limit_ampere", "circuit[grid].limit_ampere", "did you mean 'limit_amps'?"),
    ("[park]", "[prak]", "prak: is not a known key", "did you mean 'park'?"),
    ("connector = 1", 'connector = "1"', "charge_point[cp1].connector", "a whole number without quotes"),
    ("connector = 1", "connector = 1.0", "charge_point[cp1].connector", "a whole number without quotes"),
    ("connector = 1", "connector = true", "charge_point[cp1].connector", "a whole number without quotes"),
    ("62.5]", '"62"]', "circuit[grid].limit_amps[L3]", "a number without quotes"),
    ("62.5]", "62.55]", "circuit[grid].limit_amps[L3]", "step of 0.1 A"),
    ("62.5]", "nan]", "circuit[grid].limit_amps[L3]", "finite"),
    ("62.5]", "-1]", "circuit[grid].limit_amps[L3]", "more than 0"),
    (", 62.5]", "]", "circuit[grid].limit_amps[L3]: is missing", "Design current"),
    ("62.5]", "62, 1]", "circuit[grid].limit_amps", "at most 3 items"),
    ('"tcp://127.0.0.1:5020"', '"127.0.0.1:5020"', "meter[house].address", "write tcp://HOST:PORT"),
    ('"tcp://127.0.0.1:5020"', '"tcp://127.0.0.1"', "meter[house].address", "has no port"),
    ('"tcp://127.0.0.1:5020"', '"tcp://127.0.0.1:70000"', "meter[house].address", "0 to 65535"),
    ('"tcp://127.0.0.1:5020"', '"tcp://127.0.0.1:0"', "meter[house].address", "port 0"),
    ('"eastron-sdm630"', '"eastron-sdm360"', "meter[house].map", "did you mean 'eastron-sdm630'?"),
    ('"ws://127', '"http://127', "backend.url", "ws:// or wss://"),
    ('"ws://127', '"ws://user:pw@127', "backend.url", "credentials"),
    ("9000/ocpp", "9000/ocpp?x=1", "backend.url", "appended"),
    ("9000/ocpp", "99000/ocpp", "backend.url", "is no URL"),
    ('"GARAGE"', '"GAR AGE"', "backend.identity", "is no identity"),
    ('name = "cp1"', 'name = "c/p1"', "charge_point[c/p1].name", "is no name"),
    ("[authorization]", '[authorization]\nmode = "bakcend"', "authorization.mode", "did you mean 'backend'?"),
    (
        "[authorization]",
        '[authorization]\nwhitelist = [{ tag = "123456789012345678901" }]',
        "authorization.whitelist[#1].tag",
        "20",
    ),
    (
        "[authorization]",
        '[authorization]\nwhitelist = [{ tag = "A", name = "Ada", expires = 2027-01-01T00:00:00 }]',
        "authorization.whitelist[Ada].expires",
        "with offset",
    ),
    ('name = "garage"\nrole', "role", "node.name: is missing", "add it: Name of the node"),
    ('role = "single"', 'role = "singel"', "node.role", "did you mean 'single'?"),
    ("[authorization]", "authorization = 1", "authorization: is 1", "write a table"),
    ("[authorization]", '[authorization]\nautocharge = "on"', "authorization.autocharge", "choose one of 'off', 'mac'"),
    (
        "[authorization]",
        '[authorization]\nautocharge_prefix = "EVCCID-12"',
        "authorization.autocharge_prefix: 'EVCCID-12' is too long: with the 12 digits of a MAC",
        "give at most 8",
    ),
    (
        "[authorization]",
        '[authorization]\nautocharge_prefix = "VID "',
        "authorization.autocharge_prefix",
        "without spaces",
    ),
    (
        "[authorization]",
        '[authorization]\nautocharge_id = "FLEET CARS"',
        "authorization.autocharge_id",
        "without spaces",
    ),
]


@pytest.mark.parametrize(("old", "new", "where", "advice"), WRONG_VALUES)
def test_a_wrong_value_is_named_with_file_key_reason_and_remedy(old: str, new: str, where: str, advice: str):
    text = changed(old, new)
    if "authorization = 1" in new:
        text = "authorization = 1\n" + changed("[authorization]\n", "")
    (finding,) = [each for each in findings(text) if where in each]
    assert finding.startswith("garage.toml: ")
    assert advice in finding
    assert "; " in finding


BETWEEN = [
    ('circuit = "grid"', 'circuit = "gird"', "charge_point[cp1].circuit", "did you mean 'grid'?"),
    ('serves = ["cp1"]', 'serves = ["cp1", "cp3"]', "reader[door].serves[#2]", "no charge point 'cp3'"),
    ('meter = "house"', 'meter = "hosue"', "circuit[grid].meter", "did you mean 'house'?"),
    ('name = "cp2"', 'name = "cp1"', "charge_point[#2].name", "give each its own"),
    ("external_fallback_amps = [20, 20, 20]\n", "", "circuit[grid].external_fallback_amps", "is missing"),
    ("external_fallback", "headroom_amps = 62.5\nexternal_fallback", "circuit[grid].headroom_amps", "leaves nothing"),
    ("[bench]\n", "", "bench: is missing", "virtual hardware needs it"),
    ("[bench]", '[bench]\naddress = "127.0.0.1:7071"', "bench.address", "listen.energy listens"),
    ("127.0.0.1:5020", "127.0.0.1:9470", "meter[house].address", "listen.metrics listens"),
    ("[park]", '[listen]\nmetrics = "localhost:7071"\n[park]', "listen.metrics", "used by listen.energy"),
    ("[park]", '[listen]\nmetrics = "0.0.0.0:7071"\n[park]', "listen.metrics", "used by listen.energy"),
    ("[park]", '[listen]\nboards = "0.0.0.0:7070"\n[park]', "listen.boards", "not opened by role single"),
    ("connector = 1", "connector = 1\nmin_amps = 16\nmax_amps = 10", "charge_point[cp1].min_amps", "above max_amps"),
    ("connector = 1", "connector = 1\nfallback_amps = 5", "charge_point[cp1].fallback_amps", "give 0 or 6 to 32 A"),
    ("connector = 1", "connector = 1\nfallback_amps = 40", "charge_point[cp1].fallback_amps", "give 0 or 6 to 32 A"),
    ("connector = 1", "connector = 1\nboot_amps = 3", "charge_point[cp1].boot_amps", "give 0 or 6 to 32 A"),
    ("connector = 1", "connector = 1\ncable_amps = 32", "charge_point[cp1].cable_amps", 'outlet = "cable"'),
    ("connector = 1", 'connector = 1\nmeter = "x"', "charge_point[cp1].meter", "no meter 'x'"),
    ("[park]", "[load]\nrenew_seconds = 6\n[park]", "load.renew_seconds", "half of lease_seconds"),
    (
        "5020",
        '5020"\nstale_after_seconds = 1\ntimeout_seconds = 1\nunit = 3 #',
        "meter[house].stale_after",
        "three polls",
    ),
    ("[authorization]", '[authorization]\nmode = "backend"\n[pairing]', "pairing", "no meaning for role single"),
    ("[park]\n", '[server]\npark = "x"\n[park]\n', "server", "no meaning for role single"),
    ('[park]\nname = "garage"\n', "", "park: is missing", "role single needs it"),
    ("connector = 1\n", "", "charge_point[cp1].connector", "is missing"),
    ('identity = "GARAGE"', 'identity = "GARAGE"\nsecurity_profile = 2', "backend.security_profile", "wss://"),
    ('identity = "GARAGE"', 'identity = "GARAGE"\nsecurity_profile = 1', "backend.password_file", "needs a password"),
    (
        "[authorization]",
        '[authorization]\nwhitelist = [{ tag = "0a" }, { tag = "0A" }]',
        "authorization.whitelist[#2].tag",
        "give each its own",
    ),
    (
        "[authorization]",
        '[authorization]\nautocharge = "fixed-id"',
        "authorization.autocharge_id: is missing",
        "give the id tag of vehicles that cannot autocharge",
    ),
    (
        "[[reader]]",
        '[[meter]]\nname = "twin"\nmap = "eastron-sdm630"\naddress = "tcp://127.0.0.1:5020"\n[[reader]]',
        "meter[twin].unit",
        "give each its own",
    ),
]


@pytest.mark.parametrize(("old", "new", "where", "advice"), BETWEEN)
def test_what_does_not_fit_together_is_named(old: str, new: str, where: str, advice: str):
    found = [each for each in findings(changed(old, new)) if where in each]
    assert found
    assert advice in found[0]


@pytest.mark.rule("B-285")
@pytest.mark.parametrize(
    ("beside", "advice"),
    [
        ("phases = 1", "connect three phases"),
        ("accept_ventilation = true", "set one of them to false"),
        ('wiring = "unknown"', "find out how it is wired"),
    ],
)
def test_phases_are_switched_where_three_are_wired_known_and_without_ventilation(beside: str, advice: str):
    (finding,) = findings(changed("connector = 1", f"connector = 1\nphase_switching = true\n{beside}"))
    assert "charge_point[cp1].phase_switching" in finding
    assert advice in finding
    assert accepted(changed("connector = 1", "connector = 1\nphase_switching = true"))


@pytest.mark.rule("B-288")
@pytest.mark.parametrize("seconds", [9.9, 300.1])
def test_the_pause_of_a_switch_is_10_to_300_seconds(seconds: float):
    (finding,) = findings(changed("connector = 1", f"connector = 1\nphase_switching_pause_seconds = {seconds}"))
    assert "phase_switching_pause_seconds" in finding


@pytest.mark.rule("B-354")
def test_a_connector_id_is_at_least_1_and_unique_in_the_park():
    assert "must be at least 1" in findings(changed("connector = 1", "connector = 0"))[0]
    assert "must be at least 1" in findings(changed("connector = 1", "connector = -1"))[0]
    assert "connector id of 2 tables" in findings(changed("connector = 1", "connector = 2"))[0]
    own = '[bench]\n[[charge_point]]\nname = "own"\ndriver = "virtual"\nconnector = 1\ncircuit = "grid"\n'
    assert "connector id of 2 tables" in findings(SERVER + own)[0]


@pytest.mark.rule("B-001")
def test_the_backend_url_must_not_hold_the_identity():
    (finding,) = findings(changed("9000/ocpp", "9000/ocpp/GARAGE"))
    assert finding == (
        "garage.toml: backend.url: holds the identity 'GARAGE', which is appended on connecting; "
        "remove the identity from the URL"
    )


@pytest.mark.rule("B-398")
def test_the_whitelist_holds_500_entries():
    entries = ", ".join(f'{{ tag = "{n:X}" }}' for n in range(501))
    assert "at most 500" in findings(changed("[authorization]", f"[authorization]\nwhitelist = [{entries}]"))[0]
    entries = ", ".join(f'{{ tag = "{n:X}" }}' for n in range(500))
    assert accepted(changed("[authorization]", f"[authorization]\nwhitelist = [{entries}]"))


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('parent = "grid"', 'parent = "row"', "circuit[row].parent: the circuits form a ring: row → row"),
        ('parent = "grid"\n', "", "circuit[row].parent: is missing, and there is a grid connection already"),
        ('name = "grid"', 'name = "grid"\nparent = "row"', "circuit: no circuit is the grid connection"),
        ('parent = "grid"', 'parent = "gird"', "circuit[row].parent: there is no circuit 'gird'"),
    ],
)
def test_circuits_form_one_tree(old: str, new: str, where: str):
    assert any(where in each for each in findings(changed(old, new, SERVER)))


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (
            'driver = "virtual"',
            'driver = "virtual"\nconnector = 1',
            "charge_point[cp1].connector: is set by the server",
        ),
        (
            "[bench]",
            '[bench]\n[[circuit]]\nname = "x"\nlimit_amps = [1, 1, 1]',
            "circuit: has no meaning for role client",
        ),
        (
            '[server]\npark = "carpark"\naddress = "192.168.1.2:7070"\n',
            "",
            "server: is missing, and role client needs it",
        ),
        ('address = "192.168.1.2:7070"\n', "", "server.address: is empty, and discovery is off"),
    ],
)
def test_a_client_has_hardware_and_a_server_to_join(old: str, new: str, where: str):
    assert accepted(CLIENT)
    assert any(where in each for each in findings(changed(old, new, CLIENT)))


def test_a_client_may_name_charge_points_of_other_boards():
    reader = '[[reader]]\nname = "pillar"\ndriver = "virtual"\nserves = ["other/cp9", "bay/cp1", "cp1"]\n'
    assert accepted(CLIENT + reader)
    assert findings(CLIENT + reader.replace("bay/cp1", "bay/cp7"))


def test_a_client_has_no_tags_that_restore_keys():
    reader = '[[reader]]\nname = "pillar"\ndriver = "virtual"\nserves = ["cp1"]\nreboot_tag = "04:a1"\n'
    assert accepted(CLIENT + reader).reader[0].reboot_tag == "04A1"
    found = findings(CLIENT + reader + 'defaults_tags = ["04A2"]\n')
    assert any("reader[pillar].defaults_tags: has no meaning for role client" in each for each in found)
    assert findings(CLIENT + reader.replace("04:a1", "master"))


def test_all_mistakes_are_found_at_once_and_one_hides_no_other():
    text = changed("limit_amps = [63", 'limit_amps = ["63"')
    text = changed(
        'circuit = "grid"\ndriver = "virtual"\n[[charge_point]]',
        'circuit = "gird"\ndriver = "no"\n[[charge_point]]',
        text,
    )
    text = changed("connector = 2", "connector = 2\nmin_amps = 20\nmax_amps = 10", text)
    text = changed("5020", "502o", text)
    text = changed("[bench]\n", "", text)
    keys = [each.removeprefix("garage.toml: ").split(":")[0] for each in findings(text)]
    assert keys == [
        "circuit[grid].limit_amps[L1]",
        "meter[house].address",
        "charge_point[cp1].driver",
        "bench",
        "charge_point[cp2].min_amps",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[node]\nname = garage", "line 2, column 8"),
        ("[node", "line 1, its end"),
        ("a = 1\na = 2\n", "line 2"),
        ("x = " + "[" * 5_000, "not readable as TOML"),
        ("x = " + "9" * 5_000, "not readable as TOML"),
    ],
)
def test_a_syntax_error_is_named_with_line_and_column(text: str, place: str):
    (finding,) = findings(text)
    assert finding.startswith("garage.toml: ")
    assert place in finding


TABLES = ["node", "listen", "bench", "park", "load", "authorization", "backend", "circuit", "meter", "charge_point"]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["name", "x", "limit_amps"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(SINGLE.strip().splitlines()), st.text(max_size=30))
def test_garbage_in_a_file_is_refused_or_accepted_but_never_crashes(line: str, garbage: str):
    """P09: types, NaN, negative, unicode."""
    found: tuple[str, ...] = ()
    try:
        parse(changed(line, garbage), "garage.toml")
    except ConfigurationInvalid as invalid:
        found = invalid.findings or ("no findings",)
    assert all(each.startswith("garage.toml: ") for each in found)


@given(st.dictionaries(st.sampled_from(TABLES), VALUES))
def test_documents_of_any_shape_give_findings_not_crashes(document: dict[str, object]):
    _, found = examined(document)
    for finding in found:
        assert finding.text("f", document).startswith("f: ")
