"""Fingerprints as words, and join tokens as text: nothing is guessed, and every mistake has a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.pairing.fingerprint import fingerprint, parse_fingerprint, same_words, words
from park.pairing.token import JoinToken, digest, parse_token

TOKEN = JoinToken("ab" * 32, bytes(range(16)))


@pytest.mark.parametrize(
    ("address", "expected"),
    [  # examples of the proquint paper (arXiv:0901.4016): IPv4 addresses
        ("127.0.0.1", "lusab-babad"),
        ("63.84.220.193", "gutih-tugad"),
        ("140.98.193.141", "mudof-sakat"),
        ("64.255.6.200", "haguz-biram"),
        ("216.68.232.21", "todah-vobij"),
    ],
)
def test_words_are_proquints(address: str, expected: str):
    said = words(bytes(map(int, address.split("."))).hex() + "0" * 56)
    assert said == f"{expected}-babab-babab-babab"


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_other_bits_are_other_words(one: bytes, other: bytes):
    same = words(one.hex() + "0" * 44) == words(other.hex() + "0" * 44)
    assert same == (one == other)


def test_words_are_compared_as_people_say_them():
    of = fingerprint(b"a key")
    spoken = words(of).replace("-", " ").upper()
    assert same_words(f" {spoken} ", of)
    assert not same_words(" ".join(spoken.split()[:4]), of)
    assert not same_words(words(fingerprint(b"another key")), of)


def test_a_fingerprint_is_read_as_tools_print_it():
    digits = "0123456789abcdef" * 4
    colons = ":".join(digits[n : n + 2] for n in range(0, 64, 2)).upper()
    assert parse_fingerprint(f" SHA256:{colons} ") == digits
    with pytest.raises(ValueError, match="64 hex digits"):
        parse_fingerprint(digits[:-1])


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16))
def test_a_token_is_read_as_it_was_written(authority: bytes, secret: bytes):
    token = JoinToken(authority.hex(), secret)
    assert parse_token(token.text()) == token
    assert parse_token(f"\n {token.text().upper()}\r\n") == token


@given(st.integers(min_value=5, max_value=88), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_mistyped_token_is_never_another_token(place: int, letter: str):
    text = TOKEN.text()
    typed = text[:place] + letter + text[place + 1 :]
    if typed == text or len(typed) != len(text):
        return
    try:
        assert parse_token(typed) == TOKEN  # the last character carries bits that mean nothing
    except ValueError as wrong:
        assert "copy it again" in str(wrong)  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no token in it"),
        ("hello", "begins with cpj1-"),
        ("cpj2-aaaa", "version cpj2"),
        (TOKEN.text()[:-8], "instead of 52"),
        (TOKEN.text()[:-1], "copy it again"),
        (TOKEN.text()[:9] + "!" + TOKEN.text()[10:], "characters no token has"),
    ],
)
def test_what_is_no_token_says_why(text: str, why: str):
    with pytest.raises(ValueError, match=why):
        parse_token(text)


def test_a_secret_is_in_no_repr_and_its_hash_says_nothing():
    assert TOKEN.secret.hex() not in repr(TOKEN)
    assert repr(TOKEN.secret) not in repr(TOKEN)
    assert TOKEN.secret.hex() not in digest(TOKEN.secret)
