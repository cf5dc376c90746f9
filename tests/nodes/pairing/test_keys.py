"""Key files: made once, for their owner only, never replaced in silence; and what the certificates in them say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from nodes.pairing import certificates as certs
from nodes.pairing import files
from nodes.pairing.admission import AdmittedBoards, BoardIdentity
from nodes.pairing.authority import Authority, open_authority
from nodes.pairing.identity import BoardKeys
from nodes.pairing.token_file import read_token, write_token
from park.errors import KeysUnusable, PairingRefused
from park.pairing import validity
from park.pairing.events import BoardsAdmitted

NOW = datetime(2027, 3, 1, tzinfo=UTC)
NO_CLOCK = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)


def park(folder: Path, wall: datetime = NOW, node: str = "server") -> Authority:
    return open_authority(folder, "carpark", node, wall)


def issued(authority: Authority, keys: BoardKeys, node: str = "bay-a", wall: datetime = NOW) -> x509.Certificate:
    return authority.issue(certs.read_signing_request(keys.signing_request(node)), node, wall)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: f"{path.stat().st_mode & 0o777:o}" for path in folder.iterdir()}


# ---------------------------------------------------------------- files


def test_private_keys_are_for_their_owner_and_so_is_the_directory(tmp_path: Path):
    tmp_path.chmod(0o755)
    park(tmp_path / "server")
    BoardKeys(tmp_path)
    assert modes(tmp_path / "server") == {"ca.key": "600", "ca.pem": "644", "server.key": "600", "server.pem": "644"}
    assert (tmp_path / "server").stat().st_mode & 0o777 == 0o700
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert modes(tmp_path)["board.key"] == "600"


@pytest.mark.parametrize("name", ["ca.key", "server.key"])
def test_a_key_others_may_read_is_refused_with_the_remedy(tmp_path: Path, name: str):
    park(tmp_path)
    (tmp_path / name).chmod(0o640)
    with pytest.raises(KeysUnusable, match=f"say: chmod 600 .*{name}"):
        park(tmp_path)


def test_a_ca_is_made_once(tmp_path: Path):
    first = park(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert park(tmp_path, NOW + timedelta(days=4000)).fingerprint == first.fingerprint
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_first_start_that_was_cut_off_is_finished(tmp_path: Path):
    fingerprint = park(tmp_path).fingerprint
    for name in ("ca.pem", "server.pem", "server.key"):
        (tmp_path / name).unlink()
        again = park(tmp_path)
        assert again.fingerprint == fingerprint
        assert certs.load_certificate(tmp_path / "server.pem") is not None


def test_a_lost_ca_key_is_never_replaced_in_silence(tmp_path: Path):
    park(tmp_path)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(KeysUnusable, match="restore it from a backup"):
        park(tmp_path)
    assert not (tmp_path / "ca.key").exists()


def test_files_of_two_parks_are_not_mixed(tmp_path: Path):
    park(tmp_path / "a")
    park(tmp_path / "b")
    (tmp_path / "a" / "ca.pem").write_bytes((tmp_path / "b" / "ca.pem").read_bytes())
    with pytest.raises(KeysUnusable, match="do not belong together"):
        park(tmp_path / "a")


@pytest.mark.parametrize("name", ["ca.key", "ca.pem", "server.key", "server.pem"])
def test_damaged_files_are_named(tmp_path: Path, name: str):
    park(tmp_path)
    (tmp_path / name).write_bytes(b"-----BEGIN NOTHING-----\n")
    with pytest.raises(KeysUnusable, match=name):
        park(tmp_path)


def test_a_server_with_a_new_name_gets_a_new_certificate_of_the_same_ca(tmp_path: Path):
    first = park(tmp_path)
    assert park(tmp_path, node="server-2").fingerprint == first.fingerprint
    mine = certs.load_certificate(tmp_path / "server.pem")
    assert mine is not None
    assert certs.holder_of(mine) == certs.Holder("carpark", "server", "server-2")


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path):
    files.write(tmp_path / "a", b"old", files.PRIVATE)
    with pytest.raises(KeysUnusable, match="cannot be written"):
        files.write(tmp_path / "missing" / "a", b"new", files.PRIVATE)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    files.write(tmp_path / "a", b"new", files.PRIVATE)
    assert (tmp_path / "a").read_bytes() == b"new"


# ---------------------------------------------------------------- certificates


def test_a_board_certificate_says_who_and_for_what(tmp_path: Path):
    authority, keys = park(tmp_path / "server"), BoardKeys(tmp_path / "bay-a")
    mine = issued(authority, keys)
    names = mine.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["bay-a.board.chargepark"]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["chargepark://carpark/board/bay-a"]
    usages = list(mine.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert usages == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certs.may_serve(mine)
    assert certs.key_fingerprint(mine) == keys.fingerprint
    assert certs.is_issued_by(mine, authority.certificate)
    assert not certs.is_issued_by(mine, mine)


def test_a_key_that_is_not_of_our_kind_gets_no_certificate():
    key = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(ValueError, match="not ECDSA P-256"):
        certs.read_signing_request(certs.signing_request(key, "bay-a"))


async def test_a_server_is_no_board_whatever_its_key(tmp_path: Path):
    admitted = AdmittedBoards()
    admitted.tell(BoardsAdmitted({"ab" * 32: "bay-a"}))
    assert admitted.is_admitted(BoardIdentity("bay-a", "board", "ab" * 32, "1"))
    assert not admitted.is_admitted(BoardIdentity("bay-a", "server", "ab" * 32, "1"))
    assert not admitted.is_admitted(BoardIdentity("bay-b", "board", "ab" * 32, "1"))
    assert not admitted.is_admitted(BoardIdentity("bay-a", "board", "cd" * 32, "1"))


def test_the_names_in_a_request_count_for_nothing(tmp_path: Path):
    authority, keys = park(tmp_path / "server"), BoardKeys(tmp_path / "bay-a")
    made = authority.issue(certs.read_signing_request(keys.signing_request("server.chargepark")), "bay-a", NOW)
    assert certs.holder_of(made) == certs.Holder("carpark", "board", "bay-a")
    assert "server.chargepark" not in made.subject.rfc4514_string()


def test_the_server_certificate_is_the_only_one_that_may_serve(tmp_path: Path):
    authority = park(tmp_path)
    server = certs.load_certificate(tmp_path / "server.pem")
    assert server is not None
    assert certs.may_serve(server)
    assert certs.is_issued_by(server, authority.certificate)
    assert not certs.may_serve(authority.certificate)


@pytest.mark.parametrize("wall", [NOW, NO_CLOCK])
def test_certificates_are_valid_where_no_clock_is_set(tmp_path: Path, wall: datetime):
    authority = park(tmp_path / "server", wall)
    server = certs.load_certificate(tmp_path / "server" / "server.pem")
    board = issued(authority, BoardKeys(tmp_path / "bay-a"), wall=wall)
    assert server is not None
    for each in (authority.certificate, server, board):
        assert each.not_valid_before_utc == datetime(1970, 1, 1, tzinfo=UTC)
        assert each.not_valid_after_utc > NOW + timedelta(days=300)
    assert authority.certificate.not_valid_after_utc >= max(wall, validity.BUILT) + timedelta(days=30 * 365)


def test_a_board_renews_when_a_third_is_left_and_never_without_a_clock():
    ends = validity.of_board(NOW, NOW + timedelta(days=9999)).ends
    assert ends == NOW + timedelta(days=365)
    assert not validity.renewal_is_due(ends, NOW)
    assert not validity.renewal_is_due(ends, ends - timedelta(days=122))
    assert validity.renewal_is_due(ends, ends - timedelta(days=121))
    assert validity.renewal_is_due(ends, ends + timedelta(days=900))
    assert not validity.renewal_is_due(ends, NO_CLOCK)
    endless = validity.of_board(NO_CLOCK, NOW + timedelta(days=9999)).ends
    assert endless == NOW + timedelta(days=9999)
    assert validity.renewal_is_due(endless, NOW)


@given(st.integers(min_value=0, max_value=130 * 365))
def test_no_board_outlives_its_ca(days: int):
    ends = validity.of_authority(NOW).ends
    assert validity.of_board(validity.BEGINS + timedelta(days=days), ends).ends <= ends


# ---------------------------------------------------------------- a board's own


def test_a_board_keeps_its_key_and_its_park(tmp_path: Path):
    authority, keys = park(tmp_path / "server"), BoardKeys(tmp_path / "bay-a")
    assert keys.membership() is None
    keys.accept(certs.pem(issued(authority, keys)), authority.certificate, "bay-a")
    again = BoardKeys(tmp_path / "bay-a")
    assert again.fingerprint == keys.fingerprint
    member = again.membership()
    assert member is not None
    assert (member.park, member.node, member.authority) == ("carpark", "bay-a", authority.fingerprint)
    assert not again.renewal_is_due(NOW)
    assert again.renewal_is_due(NOW + timedelta(days=300))


def test_a_board_whose_key_was_removed_is_not_paired(tmp_path: Path):
    authority, keys = park(tmp_path / "server"), BoardKeys(tmp_path / "bay-a")
    keys.accept(certs.pem(issued(authority, keys)), authority.certificate, "bay-a")
    (tmp_path / "bay-a" / "board.key").unlink()
    assert BoardKeys(tmp_path / "bay-a").membership() is None


def test_a_board_accepts_only_its_own_certificate(tmp_path: Path):
    authority, other = park(tmp_path / "server"), park(tmp_path / "other")
    keys, stranger = BoardKeys(tmp_path / "bay-a"), BoardKeys(tmp_path / "stranger")
    wrong = (
        certs.pem(issued(authority, stranger)),  # another key
        certs.pem(issued(authority, keys, "bay-b")),  # another name
        certs.pem(issued(other, keys)),  # another park
        authority.pem,
        b"nothing",
    )
    for each in wrong:
        with pytest.raises(PairingRefused):
            keys.accept(each, authority.certificate, "bay-a")
    assert keys.membership() is None
    keys.accept(certs.pem(issued(authority, keys)), authority.certificate, "bay-a")
    with pytest.raises(PairingRefused, match="belongs to another park"):
        keys.accept(certs.pem(issued(other, keys)), other.certificate, "bay-a")


def test_a_token_file_is_private_and_says_what_is_wrong_with_it(tmp_path: Path):
    file = tmp_path / "token"
    with pytest.raises(PairingRefused, match="there is no such file"):
        read_token(file)
    write_token(file, "cpj1-aaaa")
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(PairingRefused, match="token: the token has 2 bytes"):
        read_token(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PairingRefused, match="no join token"):
        read_token(file)
