"""The whitelist grows and shrinks by cards held to a reader, or by an administrator's word; each change on disk first.

What the file says of a tag stands: it is neither replaced nor removed here.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import DecodeError
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from park.authorization.deciding import show
from park.authorization.id_tags import LONGEST_TAG, judged, same_tag
from park.authorization.messages import AddTag, AnswerTags, ListTags, RemoveTag, TagsListed, Teach, TeachMode
from park.authorization.settings import LARGEST_WHITELIST, WhitelistEntry
from park.authorization.state import Authorizer, Effects, Lesson, Stepped, Teaching, known_tags, with_taught
from park.model.access import Answer, CardPresented, Done, Feedback, Refused, Verdict
from park.model.alarm import Alarm
from park.model.signals import WakeAt
from park.model.storage import Delete, Put, Row, Write
from park.model.time import Now

TABLE = "taught_tags"
LONGEST_TEACHING_SECONDS = 3_600.0  # design: nobody leaves a reader open over night
FIRST_TOKEN = 100  # below are the tokens of the other commits of the authorizer
_ENTRY: Decoder[WhitelistEntry] = Decoder(WhitelistEntry)


def begun(state: Authorizer, teach: Teach, now: Now) -> Stepped:
    """Begin, or end with `seconds` 0."""
    if not teach.seconds > 0:
        return replace(state, teaching=None), ()
    deadline = now.mono + min(teach.seconds, LONGEST_TEACHING_SECONDS)
    return replace(state, teaching=Teaching(teach.reader, teach.mode, deadline)), (WakeAt(deadline),)


def is_lesson(state: Authorizer, reader: str, now: Now) -> bool:
    """Whether a card at this reader is there to be taught, not to charge."""
    teaching = state.teaching
    return teaching is not None and teaching.deadline > now.mono and teaching.reader in {None, reader}


def taught_at(state: Authorizer, card: CardPresented, now: Now) -> Stepped:
    """A card shown while teaching; one that may charge already is accepted at once."""
    teaching_in = state.teaching is not None and state.teaching.mode is TeachMode.IN
    if teaching_in and judged(known_tags(state), card.id_tag, now.wall) is Verdict.ACCEPTED:
        return state, show((card.reader,), Feedback.ACCEPTED)
    entry = WhitelistEntry(card.id_tag) if teaching_in else None
    if _obstacle(state, card.id_tag, entry) is not None:
        return state, show((card.reader,), Feedback.REFUSED)
    state, effects = _written(state, Lesson(card.id_tag, entry, reader=card.reader))
    return state, (*effects, *show((card.reader,), Feedback.WAIT))


def ordered(state: Authorizer, order: AddTag | RemoveTag) -> Stepped:
    """An administrator's word."""
    entry = order.entry if isinstance(order, AddTag) else None
    tag = order.entry.tag if isinstance(order, AddTag) else order.tag
    obstacle = _obstacle(state, tag, entry)
    if obstacle is not None:
        return state, (Answer(order.reply_to, Refused(order.request_id, obstacle)),)
    return _written(state, Lesson(tag, entry, request_id=order.request_id, reply_to=order.reply_to))


def listed(state: Authorizer, order: ListTags) -> Stepped:
    taught = tuple(entry for _, entry in sorted(state.taught.items()))
    return state, (AnswerTags(order.reply_to, TagsListed(order.request_id, state.settings.whitelist, taught)),)


def kept(state: Authorizer, token: int) -> Stepped:
    """The change is on disk, and holds from now on."""
    lesson = state.lessons.get(token)
    if lesson is None:
        return state, ()
    taught = {tag: entry for tag, entry in state.taught.items() if tag != lesson.tag.casefold()}
    if lesson.entry is not None:
        taught[lesson.tag.casefold()] = lesson.entry
    return with_taught(_without(state, token), taught), _ended(lesson, None)


def failed(state: Authorizer, token: int, reason: str) -> Stepped:
    """The disk refused: nothing changed."""
    lesson = state.lessons.get(token)
    if lesson is None:
        return state, ()
    return _without(state, token), _ended(lesson, f"the whitelist cannot be written: {reason}; free the disk")


def loaded(state: Authorizer, rows: Iterable[Row]) -> Stepped:
    """What earlier runs were taught; a row that cannot be read is said and left out."""
    taught = dict(state.taught)
    effects: Effects = ()
    for row in rows:
        if row.table == TABLE and row.key not in taught:
            try:
                taught[row.key] = _ENTRY.decode(row.body)
            except DecodeError:
                text = f"the whitelist entry of {row.key} cannot be read and is left out: teach that card again"
                effects += (Alarm(f"whitelist-{row.key}", text),)
    return with_taught(state, taught), effects


def _obstacle(state: Authorizer, tag: str, entry: WhitelistEntry | None) -> str | None:
    if state.applied is not None:
        return "this board decides by the whitelist of its server: change it there"
    if not state.loaded:
        return "the whitelist is not loaded yet: try again in a few seconds"
    if any(same_tag(tag, each.tag) for each in state.settings.whitelist):
        return f"id tag {tag} stands in the configuration file: change it there"
    if entry is None:
        return None if tag.casefold() in state.taught else f"the whitelist has no id tag {tag}"
    if not (0 < len(tag) <= LONGEST_TAG and tag.isascii() and tag.isprintable() and " " not in tag):
        return f"{tag!r} is no id tag: 1 to {LONGEST_TAG} printable characters without spaces (OCPP 1.6 §7.28)"
    tags = {each.casefold() for each in (*state.taught, *(lesson.tag for lesson in state.lessons.values()), tag)}
    if len(state.settings.whitelist) + len(tags) > LARGEST_WHITELIST:
        return f"the whitelist has {LARGEST_WHITELIST} entries: remove one first"
    return None


def _written(state: Authorizer, lesson: Lesson) -> Stepped:
    token, key = FIRST_TOKEN + state.token, lesson.tag.casefold()
    row = Delete(TABLE, key) if lesson.entry is None else Put(TABLE, key, encode(lesson.entry).decode())
    state = replace(state, token=state.token + 1, lessons={**state.lessons, token: lesson})
    return state, (Write((row,), token),)


def _without(state: Authorizer, token: int) -> Authorizer:
    return replace(state, lessons={each: lesson for each, lesson in state.lessons.items() if each != token})


def _ended(lesson: Lesson, trouble: str | None) -> Effects:
    effects: Effects = ()
    if lesson.reader is not None:
        effects += show((lesson.reader,), Feedback.ACCEPTED if trouble is None else Feedback.REFUSED)
    if lesson.reply_to is not None:
        answer = Done(lesson.request_id) if trouble is None else Refused(lesson.request_id, trouble)
        effects += (Answer(lesson.reply_to, answer),)
    return effects
