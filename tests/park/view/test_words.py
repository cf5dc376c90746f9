import pytest

from park.model.grant import Reason
from park.view.words import in_words


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (
            Reason("external_load", "meter grid-meter", "grid", "L1", 41_400),
            "the load of others on grid L1 (meter grid-meter), 41.4 A available",
        ),
        (Reason("fuse", "circuit grid", "grid", "L2", 0), "the fuse on grid L2, 0.0 A available"),
        (Reason("own_maximum", "vehicle, cable or station"), "its own maximum (vehicle, cable or station)"),
        (Reason("lapse", "lapse"), "no valid grant"),
        (Reason("tariff_window", ""), "tariff window"),
    ],
)
def test_a_reason_reads_as_a_sentence_part(link: Reason, words: str):
    assert in_words(link) == words
