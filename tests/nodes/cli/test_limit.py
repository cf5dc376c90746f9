"""`chargepark limit` and `pair energy` against a coordinator with a real store, over the real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.cli import chargepark
from support.coordinated import Coordinated, coordinated, now
from support.park_views import garage, nothing_known

from nodes.administration.limits import limit_service
from nodes.administration.managers import manager_service
from nodes.administration.port import AdminServer
from nodes.energy.managers import CERTIFICATE, TOKEN, token_digest
from nodes.energy.server import EnergyServer
from nodes.pairing import certificates as certs
from nodes.pairing.authority import Authority, open_authority
from nodes.view import ViewStore
from park.config.quantities import Endpoint
from park.load.circuit import Circuit
from park.load.solar.settings import Solar
from park.model.limit import Limit, LimitAnswer, LimitKind, LimitOutcome, SetLimit
from park.model.solar import SetSolarMode, SolarMode

SINGLE = """
[node]
name = "n"
role = "single"
data_dir = "{data_dir}"
[park]
name = "p"
[bench]
address = "127.0.0.1:7079"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
[[charge_point]]
name = "cp1"
driver = "virtual"
connector = 1
circuit = "grid"
"""

GRID = Circuit("grid", (63_000, 63_000, 63_000), meter="entry")


@dataclass
class Node:
    config: Path
    park: Coordinated


@asynccontextmanager
async def node(folder: Path, *, authority: bool = True, suns: tuple[Solar, ...] = ()) -> AsyncGenerator[Node]:
    config, data_dir = folder / "single.toml", folder / "data"
    config.write_text(SINGLE.format(data_dir=data_dir), encoding="utf-8")
    async with coordinated(data_dir, nothing_known(), [GRID], solar=suns) as park:
        ca: Authority | None = open_authority(data_dir, "p", "n", now().wall) if authority else None
        services = limit_service(park.desk, park.view, now), manager_service(park.managers, ca, now)
        admin = AdminServer(data_dir, *services)
        await admin.start()
        try:
            yield Node(config, park)
        finally:
            await admin.stop(0)


async def told(here: Node, *words: str) -> list[str]:
    done = await asyncio.to_thread(chargepark, *words[:2], str(here.config), *words[2:])
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


async def failed(here: Node, *words: str) -> tuple[int, str]:
    done = await asyncio.to_thread(chargepark, *words[:2], str(here.config), *words[2:])
    return done.returncode, done.stderr


@pytest.mark.rule("B-087")
async def test_an_operator_sets_shows_and_clears_a_limit_and_it_outlives_a_restart(tmp_path: Path):
    async with node(tmp_path) as here:
        assert await told(here, "limit", "list") == ["no limits are set"]
        assert await told(here, "limit", "set", "grid", "--amps", "20,16,70") == [
            "grid L1: 20.0 A by a limit set by the operator (operator)",
            "grid L2: 16.0 A by a limit set by the operator (operator)",
            "grid L3: 63.0 A by the fuse (circuit grid)",
            "note: no effect on L3: the design limit, 63.0 A, is smaller",
        ]
        await told(here, "limit", "set", "n/cp1", "--watts", "7590", "--for", "3600", "--source", "night")
    async with node(tmp_path) as here:
        shown = asyncio.Event()
        loop = asyncio.get_running_loop()

        class Heard:
            def tell(self, _: object, /) -> None:
                loop.call_soon_threadsafe(shown.set)

        with here.park.view.told(Heard()):
            while len(await told(here, "limit", "list")) < 2:
                await asyncio.wait_for(shown.wait(), 20)
                shown.clear()
        grid, point = await told(here, "limit", "list")
        assert grid == "grid: 20.0 16.0 70.0 A by operator (a limit set by the operator)"
        assert point.startswith("n/cp1: 7590 W by operator/night (a limit set by the operator), ")
        cleared = await told(here, "limit", "clear", "grid")
        assert cleared[0] == "grid L1: 63.0 A by the fuse (circuit grid)"


@pytest.mark.rule("B-085")
async def test_the_operator_says_how_a_circuit_follows_the_sun_and_it_outlives_a_restart(tmp_path: Path):
    async with node(tmp_path, suns=(Solar("grid", "entry"),)) as here:
        *_, note = await told(here, "limit", "solar", "grid", "grid")
        assert note == "note: mode grid, whatever the configuration says; the sun limits nothing"
    async with node(tmp_path, suns=(Solar("grid", "entry"),)) as here:
        *_, note = await told(here, "limit", "solar", "grid", "solar")
        assert note == "note: mode solar, whatever the configuration says; charge points may take 0 W by the sun"
        *_, note = await told(here, "limit", "solar", "grid")
        assert note == "note: mode surplus, as the configuration says; charge points may take 0 W by the sun"
        code, text = await failed(here, "limit", "solar", "row", "grid")
        assert (code, "'row' does not follow the sun (those that do: grid); add [[solar]]" in text) == (1, True)
        code, text = await failed(here, "limit", "solar", "grid", "sun")
        assert (code, "mode: there is no 'sun'; choose one of surplus, solar, grid" in text) == (1, True)


async def test_the_operator_gives_a_mode_an_end_and_ends_the_one_of_a_manager(tmp_path: Path):
    async with node(tmp_path, suns=(Solar("grid", "entry"),)) as here:
        here.park.coordinator.tell(
            SetSolarMode("1", "grid", SolarMode.SURPLUS, None, LimitKind.ENERGY_MANAGER, "hems/roof")
        )
        *_, note = await told(here, "limit", "solar", "grid", "grid", "--for", "3600", "--source", "night")
        assert note.startswith("note: mode surplus, as hems/roof says: the strictest of all holds;")
        *_, note = await told(here, "limit", "solar", "grid", "--manager", "hems/roof")
        assert note == "note: mode grid, as operator/night says: the strictest of all holds; the sun limits nothing"
        *_, note = await told(here, "limit", "solar", "grid", "--source", "night")
        assert note.startswith("note: mode surplus, as the configuration says")
        code, text = await failed(here, "limit", "solar", "grid", "--manager", "hems/roof")
        assert (code, "hems/roof gave grid no mode (those who did: none)" in text) == (1, True)
        for wrong in (("grid", "--manager", "hems"), ("--for", "60")):
            assert (await failed(here, "limit", "solar", "grid", *wrong))[0] == 2


async def test_the_operator_clears_what_an_energy_manager_has_left_behind(tmp_path: Path):
    async with node(tmp_path) as here:
        left: asyncio.Queue[LimitOutcome] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        class Told:
            def tell(self, outcome: LimitOutcome, /) -> None:
                loop.call_soon_threadsafe(left.put_nowait, outcome)

        limit = Limit("grid", LimitKind.ENERGY_MANAGER, "hems/tariff", (9_000, 9_000, 9_000))
        here.park.coordinator.tell(SetLimit("1", limit, None, Told()))
        assert isinstance(await asyncio.wait_for(left.get(), 20), LimitAnswer)

        code, text = await failed(here, "limit", "clear", "grid", "--manager", "hems")
        assert (code, "hems has set no limit for grid (those who have: hems/tariff)" in text) == (1, True)
        code, text = await failed(here, "limit", "clear", "grid", "--manager", "hems/tariff", "--source", "x")
        assert (code, "give one of them" in text) == (2, True)
        cleared = await told(here, "limit", "clear", "grid", "--manager", "hems/tariff")
        assert cleared[0] == "grid L1: 63.0 A by the fuse (circuit grid)"


async def test_what_cannot_be_done_is_refused_with_the_reason(tmp_path: Path):
    async with node(tmp_path) as here:
        code, text = await failed(here, "limit", "set", "gird", "--amps", "20")
        assert (code, "did you mean grid?" in text) == (1, True)
        code, text = await failed(here, "limit", "set", "grid")
        assert (code, "neither amperes nor watts" in text) == (1, True)
        code, text = await failed(here, "limit", "clear", "n/cp1")
        assert (code, "operator has set no limit for n/cp1" in text) == (1, True)
        for amps in ("20,16", "much", "-3", "nan", "1e99"):
            code, text = await failed(here, "limit", "set", "grid", "--amps", amps)
            assert (code, "is no limit; write one current" in text) == (2, True)


async def test_a_manager_is_let_in_by_certificate_or_token_and_put_out(tmp_path: Path):
    async with node(tmp_path) as here:
        (said,) = await told_energy(here, "add", "hems", "--out", str(tmp_path))
        assert "energy_tls" in said
        made = certs.load_certificate(tmp_path / "hems.pem")
        key = certs.load_key(tmp_path / "hems.key")
        assert made is not None
        assert key is not None
        assert here.park.managers.known_by(CERTIFICATE, certs.key_fingerprint(key)) == "hems"
        assert certs.key_fingerprint(made) == certs.key_fingerprint(key)
        await told_energy(here, "add", "meter", "--token", "--out", str(tmp_path))
        token = (tmp_path / "meter.token").read_text().strip()
        assert (tmp_path / "meter.token").stat().st_mode & 0o077 == 0
        assert here.park.managers.known_by(TOKEN, token_digest(token).hex()) == "meter"
    async with node(tmp_path) as here:
        rows = await told_energy(here, "list")
        assert [row.split(",")[0].split() for row in rows] == [["hems", "by", "certificate"], ["meter", "by", "token"]]
        await told_energy(here, "remove", "meter")
        assert here.park.managers.known_by(TOKEN, token_digest(token).hex()) is None
        unknown = await asyncio.to_thread(chargepark, "pair", "energy", "remove", str(here.config), "meter")
        assert (unknown.returncode, "known: hems" in unknown.stderr) == (1, True)
        bad = await asyncio.to_thread(chargepark, "pair", "energy", "add", str(here.config), "a b", "--token")
        assert (bad.returncode, "is no name" in bad.stderr) == (1, True)
    async with node(tmp_path, authority=False) as here:
        closed = await asyncio.to_thread(
            chargepark, "pair", "energy", "add", str(here.config), "x", "--out", str(tmp_path / "not there")
        )
        assert (closed.returncode, "energy_tls" in closed.stderr) == (1, True)


async def told_energy(here: Node, verb: str, *rest: str) -> list[str]:
    done = await asyncio.to_thread(chargepark, "pair", "energy", verb, str(here.config), *rest)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("words", [("limit", "list"), ("pair", "energy", "list")])
def test_a_client_is_sent_to_its_server(tmp_path: Path, words: tuple[str, ...]):
    file = tmp_path / "client.toml"
    client = '[node]\nname = "b"\nrole = "client"\ndata_dir = "d"\n[server]\npark = "p"\naddress = "127.0.0.1:1"\n'
    point = '[bench]\naddress = "127.0.0.1:2"\n[[charge_point]]\nname = "cp1"\ndriver = "virtual"\n'
    file.write_text(client + point, encoding="utf-8")
    done = chargepark(*words, str(file))
    assert (done.returncode, "give the server's file" in done.stderr) == (2, True)


async def test_explain_prints_the_words_of_the_node_and_a_wrong_name_is_a_sentence():
    server = EnergyServer(Endpoint("127.0.0.1", 0), ViewStore("garage-1", garage()), now)
    await server.start()
    target = f"127.0.0.1:{server.port}"
    done = await asyncio.to_thread(chargepark, "explain", "cp1", "--target", target)
    as_json = await asyncio.to_thread(chargepark, "explain", "cp1", "--target", target, "--json")
    wrong = await asyncio.to_thread(chargepark, "explain", "cp7", "--target", target)
    await server.stop(0)

    assert done.returncode == 0
    assert done.stdout.splitlines()[1] == (
        "  binding  the load of others on grid L1 (meter grid-meter), 41.4 A available"
    )
    assert '"limit": "external_load"' in as_json.stdout
    assert (wrong.returncode, "known: garage-1/cp1" in wrong.stderr) == (1, True)
