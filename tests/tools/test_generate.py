"""Generated files: what is stale, missing or left over is reported, and mended on request."""

from pathlib import Path

import pytest

from tools import generate
from tools.generate import Generator

MADE = {"out/a.txt": b"a", "out/b.txt": b"b"}
GENERATOR = Generator("letters", lambda: dict(MADE), "out/*.txt")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.txt").write_text("old")
    (tmp_path / "out/left_over.txt").write_text("")
    return tmp_path


def test_check_names_what_is_stale_missing_and_left_over(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not generate.check(GENERATOR)
    said = capsys.readouterr().err
    assert all(f"out/{name}.txt is out of date" in said for name in ("a", "b", "left_over"))
    assert (root / "out/a.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("unlike", "contents"), [("a.txt", b"old"), ("b.txt", None), ("c.txt", b"")], ids=["stale", "missing", "left over"]
)
def test_check_fails_for_each_reason_alone(root: Path, unlike: str, contents: bytes | None) -> None:
    generate.write(GENERATOR)
    assert generate.check(GENERATOR)
    (root / "out" / unlike).unlink(missing_ok=True)
    if contents is not None:
        (root / "out" / unlike).write_bytes(contents)
    assert not generate.check(GENERATOR)


def test_write_mends_it(root: Path) -> None:
    assert generate.write(GENERATOR)
    assert {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.txt")} == MADE
    assert generate.check(GENERATOR)


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check", "prto"]) == 2
    assert "unknown: prto; there are proto, configuration, keys, octt, rules" in capsys.readouterr().err


def test_protobuf_modules_lie_where_their_proto_lies(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "PROTO", root / "proto")
    (root / "proto/nodes/rpc").mkdir(parents=True)
    proto = 'syntax = "proto3"; package x.v1; message A {} service S { rpc Do(A) returns (A); }'
    (root / "proto/nodes/rpc/x.proto").write_text(proto)
    made = generate.protobuf_modules()
    assert set(made) == {f"nodes/rpc/x_pb2{end}" for end in (".py", ".pyi", "_grpc.py", "_grpc.pyi")}
    assert b"from nodes.rpc import x_pb2" in made["nodes/rpc/x_pb2_grpc.py"]


def test_a_faulty_proto_is_reported(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "PROTO", root / "proto")
    (root / "proto").mkdir()
    (root / "proto/x.proto").write_text("nonsense")
    assert generate.main(["proto"]) == 1
    assert "x.proto:1:1" in capsys.readouterr().err
