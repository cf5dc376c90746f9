"""What people on site ask about the configuration keys, and what they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Protocol

from msgspec import Struct

from park.model.access import AnswersCommand
from park.model.delivery import Delivery


class ChangeSetting(Struct, frozen=True):
    """Answered `Done` when it is on disk and in force; an empty value takes a value of one place back."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    name: str
    value: str
    by: str
    reply_to: AnswersCommand


class RestoreDefaults(Struct, frozen=True):
    """Reader → central system: every key is again what the file says (B-046); the connection stays as it is."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    by: str


class ListedSetting(Struct, frozen=True):
    """A key as it is in force. `by`, `at`: who set it last and when; empty, None: nobody. `restart`: works then."""

    name: str
    value: str
    default: str
    access: str
    restart: bool
    by: str
    at: datetime | None
    about: str


class SettingsListed(Struct, frozen=True):
    """Answer to `ListSettings`."""

    request_id: str
    settings: tuple[ListedSetting, ...]
    unknown: tuple[str, ...]


class TakesSettings(Protocol):
    def tell(self, message: SettingsListed, /) -> None: ...


class ListSettings(Struct, frozen=True):
    """`names` empty: all keys, and the values of single places that are set."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    names: tuple[str, ...]
    reply_to: TakesSettings


class AnswerSettings(Struct, frozen=True):
    """Effect: tell `listed` to `reply_to`."""

    reply_to: TakesSettings
    listed: SettingsListed

    def give(self) -> None:
        self.reply_to.tell(self.listed)
