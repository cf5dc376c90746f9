"""Words for the cases of the OCPP 1.6 compliance testing tool: the driver, the central system, and what is expected.

A case reads like the tool's own text: what the driver does, what the central system sends and answers, which messages
come. Messages are taken in the order of the wire; the statuses of each connector are a sequence of their own, in which
nothing is left out but a suspension that passes and a repeat of what was told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.octt_tool import Message, Tool
from support.rig import PATIENCE, eventually

from park.authorization.reader import DEBOUNCE_SECONDS

HARDWARE = {"socket": (1, 3, 5), "cable": (2, 4, 6)}  # connectors of the board under test, by how their outlet is built
CONNECTORS = range(1, 7)
VALID, SECOND, THIRD = "04000001", "04000002", "04000003"  # id tags as the tool is configured
PARENT = "TEAM"
LONG = 600.0  # seconds a reservation holds, longer than any case
MARGIN = 0.1  # seconds between the clocks of two processes
PASSING = frozenset({"SuspendedEV", "SuspendedEVSE"})  # on the way to and from Charging


def hardware(*outlets: str) -> pytest.MarkDecorator:
    """The case depends on how the outlet is built, and runs with each of these: `socket`, `cable`."""
    return pytest.mark.parametrize("outlet", outlets)


def in_future(seconds: float) -> str:
    """A time from now, as OCPP writes it."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Case:
    """One case at one connector of the station, from `since` on in the tool's log. `other`: one built the same way."""

    def __init__(self, tool: Tool, connector: int, other: int) -> None:
        self.tool, self.connector, self.other = tool, connector, other
        self.since = len(tool.events())
        self.before: dict[str, str] = {}
        self.used: list[tuple[str, Mapping[str, object], str]] = []
        self.faults: set[tuple[str, str]] = set()
        self.patience = PATIENCE
        self._position = self.since
        self._status: dict[int, tuple[int, str]] = {}

    @property
    def point(self) -> str:
        return f"cp{self.connector}"

    @property
    def stranger(self) -> str:
        """An id tag that no other case has: the station remembers those that were refused."""
        return f"04BAD{self.since:07}"

    # ------------------------------------------------------------ the driver, and the world

    def plug(self, connector: int | None = None) -> None:
        """A vehicle comes, or comes back to a cable that is still locked."""
        self.tool.rig.plug(f"cp{connector or self.connector}")

    def unplug(self, connector: int | None = None) -> None:
        """The vehicle's end of the cable is pulled out; the other one follows as soon as it is not locked."""
        self.tool.rig.unplug(f"cp{connector or self.connector}")

    def present(self, tag: str = VALID, connector: int | None = None) -> None:
        """Hold a card to the reader of the connector, later than a reader takes for the same presentation."""
        reader = f"cp{connector or self.connector}-reader"
        last = self.tool.presented.get((reader, tag), -DEBOUNCE_SECONDS)
        self.until("the reader takes the card anew", lambda: time.monotonic() > last + DEBOUNCE_SECONDS + MARGIN)
        self.tool.rig.swipe(tag, reader)
        self.tool.presented[reader, tag] = time.monotonic()

    def shown(self, feedback: str) -> None:
        """The reader shows this."""
        self.until(f"{feedback} is shown", lambda: self.tool.rig.feedback(f"{self.point}-reader") == feedback)

    def fault(self, name: str, connector: int | None = None, *, on: bool = True) -> None:
        point = f"cp{connector or self.connector}"
        self.tool.rig.fault(point, name, on=on)
        (self.faults.add if on else self.faults.discard)((point, name))

    def locked(self) -> bool:
        return bool(self.tool.rig.evse(self.point).levels.lock_closed)

    def signalled(self) -> int:
        """Milliamperes the control pilot tells the vehicle."""
        return int(self.tool.rig.evse(self.point).levels.signalled_ma)

    def charging(self) -> bool:
        return self.tool.rig.charging(self.point)

    def offline(self) -> None:
        """The connection goes, and none is made until `online`."""
        self.tool.arrange(offline=True)
        self.until("the station is offline", lambda: not self.tool.online())

    def online(self) -> None:
        self.tool.arrange(offline=False)
        self.until("the station is online", self.tool.online)

    def power_failure(self, meanwhile: Callable[[], None] | None = None) -> None:
        """The board loses its supply and gets it back: nothing of the program goes on."""
        self._position = len(self.tool.events())
        self._status = dict.fromkeys((0, *CONNECTORS), (self._position, ""))
        self.tool.rig.kill("node")
        if meanwhile is not None:
            meanwhile()
        self.tool.rig.start_node()

    def waiting(self) -> int:
        """Messages of transactions that the station keeps for the central system."""
        return self.tool.rig.waiting()

    # ------------------------------------------------------------ the central system

    def answers(self, method: str, when: Mapping[str, object] | None = None, **payload: object) -> None:
        """From now on the central system answers such calls with these members."""
        self.tool.arrange(answer=method, when=dict(when or {}), **{"with": payload})

    def answers_tag(self, tag: str, status: str, parent: str | None = None) -> None:
        """From now on this is known of an id tag, asked for or told."""
        info = {"status": status} if parent is None else {"status": status, "parentIdTag": parent}
        for method in ("Authorize", "StartTransaction"):
            self.answers(method, {"idTag": tag}, idTagInfo=info)

    def send(self, method: str, **params: object) -> dict[str, Any]:
        """Call the station; its answer. Messages expected next are those from here on."""
        self._position = len(self.tool.events())
        event = self.tool.ask(method, params)
        assert event["event"] == "result", event
        result: dict[str, Any] = event["result"]
        self.used.append((method, params, str(result.get("status"))))
        return result

    def sends(self, status: str, method: str, **params: object) -> None:
        """Call the station, which must answer with this status."""
        assert self.send(method, **params)["status"] == status

    def value(self, key: str) -> str:
        (listed,) = self.tool.ask("GetConfiguration", {"key": [key]})["result"]["configurationKey"]
        return str(listed["value"])

    def configure(self, **keys: object) -> None:
        """Set keys for this case; afterwards they are what they were."""
        for key, value in keys.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            self.before.setdefault(key, self.value(key))
            answer = self.tool.ask("ChangeConfiguration", {"key": key, "value": text})
            assert answer["result"] == {"status": "Accepted"}, (key, answer)

    def lists(self, version: int, *tags: str, update: str = "Full", status: str = "Accepted") -> None:
        """Send a local list of accepted tags, which must be answered with this status."""
        entries = [{"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in tags]
        self.sends(status, "SendLocalList", listVersion=version, updateType=update, localAuthorizationList=entries)

    def reserve(
        self,
        tag: str,
        connector: int | None = None,
        seconds: float = LONG,
        parent: str | None = None,
        status: str = "Accepted",
    ) -> int:
        """Reserve a connector, this case's unless told, which must be answered with this status; the number."""
        group = {} if parent is None else {"parentIdTag": parent}
        where = self.connector if connector is None else connector
        number = self.since
        until = in_future(seconds)
        self.sends(status, "ReserveNow", connectorId=where, expiryDate=until, idTag=tag, reservationId=number, **group)
        return number

    def sets_profile(self, connector: int, profile: Mapping[str, object], status: str = "Accepted") -> None:
        """Set a charging profile, which must be answered with this status."""
        self.sends(status, "SetChargingProfile", connectorId=connector, csChargingProfiles=profile)

    # ------------------------------------------------------------ what is expected

    def expect(self, method: str, **params: object) -> Message:
        """The next call of this method with these parameters, after the one expected before."""
        found: list[Message] = []

        def came() -> bool:
            found[:] = self.tool.calls(method, self._position, **params)[:1]
            return bool(found)

        self.until(f"{method} {params}", came)
        self._position = found[0].position + 1
        return found[0]

    def status(self, wanted: str, connector: int | None = None) -> Message:
        """The connector's next status is this one."""
        which = self.connector if connector is None else connector
        found: list[Message] = []

        def came() -> bool:
            found[:] = self._news(which, wanted)
            return bool(found)

        self.until(f"connector {which} is {wanted}", came)
        told = found[0]
        assert told["status"] == wanted, f"connector {which} is {told['status']}, not {wanted}:\n{self.told()}"
        self._status[which] = (told.position + 1, wanted)
        return told

    def _news(self, connector: int, wanted: str) -> list[Message]:
        since, last = self._status.get(connector, (self.since, ""))
        told = self.tool.calls("StatusNotification", since, connectorId=connector)
        passing = PASSING - {wanted} | {last}
        return [each for each in told if each["status"] not in passing][:1]

    def never(self, method: str, since: Message | None = None, **params: object) -> None:
        """No such call came in this case so far, or since that message."""
        start = self.since if since is None else since.position + 1
        assert self.tool.calls(method, start, **params) == []

    def here(self) -> Message:
        """This place in what is said, to ask later what came since."""
        return Message(len(self.tool.events()) - 1, {})

    def after(self, message: Message) -> Case:
        """Messages expected next are those since that one: two things may come in any order."""
        self._position = message.position + 1
        return self

    def answered(self, message: Message) -> bool:
        """The central system answered this call, and the station heard it before it said anything else."""
        following = self.tool.events()[message.position + 1]
        return following["event"] == "answered" and following["params"] == message.params

    def last_status(self, connector: int | None = None) -> str:
        which = self.connector if connector is None else connector
        return ["", *self.tool.statuses(which, self.since)][-1]

    def until(self, what: str, true: Callable[[], object]) -> None:
        """Wait for it; what was said meanwhile is told when it was in vain."""
        try:
            eventually(what, true, self.patience)
        except AssertionError as error:
            raise AssertionError(f"{error}; said in this case:\n{self.told()}") from None

    def told(self) -> str:
        """Everything said in this case, for a person who looks for the mistake."""
        return "\n".join(json.dumps(seen) for seen in self.tool.events()[self.since :])

    # ------------------------------------------------------------ reusable states of the tool

    def plugged_in(self) -> None:
        self.plug()
        self.status("Preparing")

    def authorized(self, tag: str = VALID) -> None:
        """The card comes first."""
        self.present(tag)
        self.expect("Authorize", idTag=tag)
        self.status("Preparing")

    def cached(self, tag: str = VALID) -> None:
        """The card has been accepted before, in a session at another connector that is over."""
        other = self.other
        self.plug(other)
        self.status("Preparing", other)
        self.present(tag, other)
        self.expect("StartTransaction", connectorId=other, idTag=tag)
        self.unplug(other)
        self.expect("StopTransaction", reason="EVDisconnected")

    def charging_session(self, tag: str = VALID) -> Transaction:
        """A session that charges: plug first, then the card."""
        self.plugged_in()
        self.present(tag)
        started = self.started(tag)
        self.status("Charging")
        return started

    def started(self, tag: str = VALID, **params: object) -> Transaction:
        """The transaction begins, and the central system has numbered it."""
        start = self.expect("StartTransaction", connectorId=self.connector, idTag=tag, **params)
        return Transaction(self, start)

    def stopped(self, transaction: Transaction, reason: str) -> Message:
        """It ends for this reason; Local is what a missing reason means (OCPP 1.6 §7.44)."""
        stop = self.expect("StopTransaction", transactionId=transaction.number)
        assert stop.params.get("reason", "Local") == reason
        return stop


class Transaction:
    """A transaction the central system was told of."""

    def __init__(self, case: Case, start: Message) -> None:
        self._case, self.start = case, start

    @property
    def number(self) -> int:
        """What the central system answered to its start."""
        return numbers(self._case.tool, self.start.position)[0]


def numbers(tool: Tool, since: int) -> list[int]:
    """The transactions numbered since then, oldest first."""
    return [seen["result"]["transactionId"] for seen in tool.of("answered", since, method="StartTransaction")]


def running(case: Case) -> list[int]:
    """Numbers of transactions begun in this case and not ended."""
    ended = {each["transactionId"] for each in case.tool.calls("StopTransaction", case.since)}
    return [number for number in numbers(case.tool, case.since) if number not in ended]
