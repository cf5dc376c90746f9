"""A key as people compare it: the SHA-256 of its SubjectPublicKeyInfo, in hex for files and as words for eyes."""

from __future__ import annotations

import hashlib
import re

CONSONANTS = "bdfghjklmnprstvz"  # proquints (Wilkerson, arXiv:0901.4016): 16 bits are consonant-vowel-c-v-c
VOWELS = "aiou"
WORDS = 5  # 80 bits: to find another key with the same words takes 2^80 tries
_HEX = re.compile(r"[0-9a-f]{64}")
_SHIFTS = ((12, CONSONANTS), (10, VOWELS), (6, CONSONANTS), (4, VOWELS), (0, CONSONANTS))


def fingerprint(public_key: bytes) -> str:
    """SHA-256 of a public key in DER (SubjectPublicKeyInfo, RFC 5280 §4.1), 64 hex digits."""
    return hashlib.sha256(public_key).hexdigest()


def words(of: str) -> str:
    """The first 80 bits of a fingerprint as five words: `lusab-babad-gutih-tugad-mudof`."""
    numbers = (int(of[4 * n : 4 * n + 4], 16) for n in range(WORDS))
    return "-".join(_word(number) for number in numbers)


def _word(number: int) -> str:
    return "".join(letters[number >> shift & len(letters) - 1] for shift, letters in _SHIFTS)


def same_words(said: str, of: str) -> bool:
    """Whether somebody who reads words aloud or types them means this fingerprint."""
    return "-".join(said.lower().replace("-", " ").split()) == words(of)


def parse_fingerprint(text: str) -> str:
    """A fingerprint as people write it, colons and `sha256:` allowed; raises ValueError saying what is wrong."""
    digits = text.strip().lower().removeprefix("sha256:").replace(":", "")
    if not _HEX.fullmatch(digits):
        raise ValueError(f"{text!r} is no key fingerprint; write the 64 hex digits `chargepark pair show` prints")
    return digits
