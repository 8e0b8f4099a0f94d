"""Manifests: every row is either read or returned with its line and reason."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_core.manifest import Manifest, ManifestError, ManifestRow, read_manifest, write_manifest

ROW = {"audio_filepath": "a.wav", "text": "one"}


def manifest(tmp_path: Path, content: str | bytes, name: str = "m.jsonl") -> Path:
    data = content.encode() if isinstance(content, str) else content
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def read(tmp_path: Path, content: str | bytes, name: str = "m.jsonl") -> Manifest:
    return read_manifest(manifest(tmp_path, content, name))


def reasons(read: Manifest) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in read.skipped]


def texts(read: Manifest) -> list[tuple[int, str]]:
    return [(row.line, row.text) for row in read.rows]


# --- JSON lines ---


def test_every_field_of_a_row(tmp_path: Path) -> None:
    record = {
        "audio_filepath": "sub/a.wav",
        "duration": 1.5,
        "text": "One, two",
        "pred_text": "one too",
        "speaker": "x",
        "snr_db": None,
        "tags": ["p", {"q": 1}],
    }
    (row,) = read(tmp_path, json.dumps(record)).rows
    assert row == ManifestRow(
        audio_path=tmp_path / "sub" / "a.wav",
        text="One, two",
        duration_s=1.5,
        line=1,
        pred_text="one too",
        fields={"speaker": "x", "snr_db": None, "tags": ["p", {"q": 1}]},
    )


def test_what_may_be_absent(tmp_path: Path) -> None:
    (row,) = read(tmp_path, json.dumps(ROW)).rows
    assert (row.duration_s, row.pred_text, row.fields) == (None, None, {})


def test_an_empty_text_is_a_row_and_an_empty_prediction_too(tmp_path: Path) -> None:
    """A recording of noise has the reference ''; a system may hear nothing."""
    (row,) = read(tmp_path, json.dumps(ROW | {"text": "", "pred_text": ""})).rows
    assert (row.text, row.pred_text) == ("", "")


def test_relative_and_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "\n".join(
        json.dumps(ROW | {"audio_filepath": name}) for name in ("/data/a.wav", "../b.wav", "ж .wav")
    )
    folder = tmp_path / "set"
    folder.mkdir()
    path = manifest(folder, content)
    expected = [Path("/data/a.wav"), folder / "../b.wav", folder / "ж .wav"]
    assert [row.audio_path for row in read_manifest(path).rows] == expected
    monkeypatch.chdir(folder)  # relative to the manifest, not to where we happen to be
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [row.audio_path for row in read_manifest(str(path)).rows] == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_count_blank_lines_and_a_bom_is_no_letter(tmp_path: Path, end: str) -> None:
    lines = ["", json.dumps(ROW), "   ", "\t", "{bad", json.dumps(ROW | {"text": "two"}), ""]
    got = read(tmp_path, b"\xef\xbb\xbf" + end.join(lines).encode())
    assert texts(got) == [(2, "one"), (6, "two")]
    assert [line for line, _ in reasons(got)] == [5]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1e"])
def test_only_a_newline_ends_a_line(tmp_path: Path, separator: str) -> None:
    """str.splitlines would cut the row in two."""
    text = f"one{separator}two"
    row = json.dumps(ROW | {"text": text}, ensure_ascii=ord(separator) < 0x20)
    got = read(tmp_path, f"{row}\n{row}\n")
    assert texts(got) == [(1, text), (2, text)]
    cells = f'audio_filepath,text\na.wav,"{text}"\nb.wav,{text}\n'
    assert texts(read(tmp_path, cells, "m.csv")) == [(2, text), (3, text)]


BAD_LINES = {
    "{": "not JSON: ",
    "{}{}": "not JSON: ",
    "'a'": "not JSON: ",
    "[" * 100_000: "not JSON: ",  # deeper than the parser's stack
    '{"a": ' + "9" * 5000 + "}": "not JSON: ",  # longer than Python turns into an int
    "[]": "expected an object, got list",
    "null": "expected an object, got NoneType",
    '"a.wav"': "expected an object, got str",
    "{}": "no audio_filepath",
    '{"audio_filepath": "", "text": "x"}': "no audio_filepath",
    '{"audio_filepath": " ", "text": "x"}': "no audio_filepath",
    '{"audio_filepath": 3, "text": "x"}': "no audio_filepath",
    '{"audio_filepath": null, "text": "x"}': "no audio_filepath",
    '{"audio_filepath": "a.wav"}': "no text",
    '{"audio_filepath": "a.wav", "text": null}': "no text",
    '{"audio_filepath": "a.wav", "text": 3}': "text is not a string",
    '{"audio_filepath": "a.wav", "text": ["x"]}': "text is not a string",
    '{"audio_filepath": "a.wav", "text": "x", "pred_text": 3}': "pred_text is not a string",
    '{"audio_filepath": "a.wav", "text": "x", "text": "y"}': "repeats the keys text",
    '{"audio_filepath": "a.wav", "text": "x", "n": {"k": 1, "k": 1}}': "repeats the keys k",
    '{"audio_filepath": "a.wav", "text": "x", "duration": "long"}': "duration 'long' is not a num",
    '{"audio_filepath": "a.wav", "text": "x", "duration": [1]}': r"duration [1] is not a number",
    '{"audio_filepath": "a.wav", "text": "x", "duration": true}': "duration True is not a",
    '{"audio_filepath": "a.wav", "text": "x", "duration": NaN}': "duration nan is not a positive",
    '{"audio_filepath": "a.wav", "text": "x", "duration": "nan"}': "duration 'nan' is not a posit",
    '{"audio_filepath": "a.wav", "text": "x", "duration": 1e999}': "duration inf is not a posit",
    '{"audio_filepath": "a.wav", "text": "x", "duration": -1}': "duration -1 is not a positive",
    '{"audio_filepath": "a.wav", "text": "x", "duration": 1' + "0" * 400 + "}": "is not a number",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:60])
def test_a_bad_row_is_returned_with_line_reason_and_what_it_said(tmp_path: Path, line: str) -> None:
    good = json.dumps(ROW)
    got = read(tmp_path, f"{good}\n{line}\n{good}\n")
    assert texts(got) == [(1, "one"), (3, "one")]
    (skipped,) = got.skipped
    assert skipped.line == 2
    assert BAD_LINES[line] in skipped.reason
    assert skipped.raw == line[:1000]


def test_a_huge_line_is_a_row_like_any_other(tmp_path: Path) -> None:
    text = "one " * 1_000_000
    got = read(tmp_path, json.dumps(ROW | {"text": text}) + "\n" + json.dumps(ROW))
    assert texts(got) == [(1, text), (2, "one")]


def test_only_bad_rows_are_no_error(tmp_path: Path) -> None:
    """Every row is accounted for, so the caller can say why there is nothing."""
    got = read(tmp_path, "bad\nworse\n")
    assert not got.rows
    assert [line for line, _ in reasons(got)] == [1, 2]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.jsonl", b"", "has no rows. Expected"),
        ("m.jsonl", b"\n \n\n", "has no rows. Expected"),
        ("m.csv", b"", "has no rows. Expected"),
        ("m.csv", b"audio_filepath,text\n", "has no rows. Expected"),
        ("m.jsonl", b"\xff\xfe{}", "Cannot read manifest .*Expected a UTF-8 file"),
        ("m.txt", b"{}", r"ends in '\.txt'\. Expected \.jsonl"),
        ("m", b"{}", r"ends in ''\. Expected \.jsonl"),
        ("m.csv", b"audio_filepath,text,text\na.wav,x,y\n", "names a column twice: .*text, text"),
        ("m.csv", b'audio_filepath,"te"xt"\na.wav,x\n', "Cannot read the header of manifest"),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(ManifestError, match=message) as caught:
        read(tmp_path, content, name)
    assert str(tmp_path / name) in str(caught.value)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(ManifestError, match=r"Cannot read manifest .*Expected a UTF-8 file"):
            read_manifest(path)


# --- tables ---


@pytest.mark.parametrize("name", ["m.csv", "M.CSV", "m.tsv"])
def test_tables(tmp_path: Path, name: str) -> None:
    cells = [
        ["audio_filepath", "duration", "text", "speaker"],
        ["a.wav", "1.5", "one", "x"],
        ["b.wav", "", "", "y"],
    ]
    delimiter = "\t" if name.endswith("tsv") else ","
    content = "\ufeff" + "\r\n".join(delimiter.join(row) for row in cells) + "\r\n"
    got = read(tmp_path, content, name)
    assert got.rows == [
        ManifestRow(tmp_path / "a.wav", "one", 1.5, 2, None, {"speaker": "x"}),
        ManifestRow(tmp_path / "b.wav", "", None, 3, None, {"speaker": "y"}),
    ]


def test_csv_quotes_commas_and_line_breaks(tmp_path: Path) -> None:
    content = (
        "audio_filepath,text\n"
        "\n"
        'a.wav,"one, ""two"""\n'
        'b.wav,"three\nfour"\n'  # lines 4 and 5
        "c.wav,five\n"
    )
    got = read(tmp_path, content, "m.csv")
    assert texts(got) == [(3, 'one, "two"'), (4, "three\nfour"), (6, "five")]


def test_csv_as_a_program_writes_it(tmp_path: Path) -> None:
    written = ["plain", 'with "quotes"', "a, b", "line\nbreak", " spaces ", "ж"]
    path = tmp_path / "m.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["audio_filepath", "text"])
        writer.writerows(["a.wav", text] for text in written)
    assert [text for _, text in texts(read_manifest(path))] == written


def test_a_quote_in_tsv_is_a_letter(tmp_path: Path) -> None:
    """Common Voice writes such sentences; read as CSV, one would swallow the rows that follow."""
    content = 'audio_filepath\ttext\na.wav\t"Stop" he said\nb.wav\t"Go\nc.wav\tright\n'
    got = read(tmp_path, content, "m.tsv")
    assert texts(got) == [(2, '"Stop" he said'), (3, '"Go'), (4, "right")]


def test_rows_of_a_table_that_are_no_rows(tmp_path: Path) -> None:
    content = (
        "audio_filepath,text,speaker\n"
        "a.wav,one,x\n"
        "b.wav,hello, world,x\n"  # a comma that should be quoted: nothing may get lost
        "c.wav\n"
        ",two,x\n"
        'd.wav,"two" three,x\n'
        "e.wav," + "x" * 200_000 + ",x\n"  # longer than the csv module takes
        "f.wav,three,x\n"
        "g.wav,four,x,\n"
        'h.wav,"never closed,x\n'
        "i.wav,five,x\n"
    )
    got = read(tmp_path, content, "m.csv")
    assert texts(got) == [(2, "one"), (8, "three")]
    assert [line for line, _ in reasons(got)] == [3, 4, 5, 6, 7, 9, 10]
    for reason, expected in zip(
        (reason for _, reason in reasons(got)),
        [
            "expected 3 cells as in the header, got 4",
            "expected 3 cells as in the header, got 1",
            "no audio_filepath",
            "not a row of a table: ',' expected after '\"'",
            "not a row of a table: field larger than field limit",
            "expected 3 cells as in the header, got 4",
            "not a row of a table: unexpected end of data",
        ],
        strict=True,
    ):
        assert expected in reason
    assert got.skipped[0].raw == "b.wav,hello, world,x"


# --- writing ---

KNOWN = ("audio_filepath", "text", "duration", "pred_text")
TEXT = st.text(st.characters(codec="utf-8"))
OTHERS = st.dictionaries(
    TEXT.filter(lambda key: key not in KNOWN),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    max_size=3,
)
RECORDS = st.lists(
    st.builds(
        lambda known, others: known | others,
        st.fixed_dictionaries(
            {"audio_filepath": TEXT.filter(str.strip), "text": TEXT},
            optional={"duration": st.floats(0, 1e6), "pred_text": TEXT},
        ),
        OTHERS,
    ),
    min_size=1,
    max_size=5,
)


@given(records=RECORDS)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("manifest") / "m.jsonl"
    write_manifest(path, records)
    got = read_manifest(path)
    assert not got.skipped
    for line, (record, row) in enumerate(zip(records, got.rows, strict=True), start=1):
        assert row.line == line
        assert row.audio_path == path.parent / record["audio_filepath"]
        assert row.text == record["text"]
        assert row.duration_s == record.get("duration")
        assert row.pred_text == record.get("pred_text")
        assert row.fields == {k: v for k, v in record.items() if k not in KNOWN}


def test_writing_makes_folders_and_replaces_only_when_done(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "m.jsonl"
    write_manifest(path, [ROW])
    with pytest.raises(TypeError):
        write_manifest(path, [ROW, {"audio_filepath": object()}])
    assert texts(read_manifest(path)) == [(1, "one")]


def test_written_text_can_be_read_by_people(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.jsonl", [ROW | {"text": "ёж"}])
    assert "ёж" in (tmp_path / "m.jsonl").read_text(encoding="utf-8")


def test_text_that_utf8_cannot_hold(tmp_path: Path) -> None:
    """JSON can escape half a character, as some programs do with emoji that they cut in two."""
    (row,) = read(tmp_path, '{"audio_filepath": "a.wav", "text": "x\\ud83d", "\\udc00": 1}').rows
    assert (row.text, row.fields) == ("x\ud83d", {"\udc00": 1})
    write_manifest(tmp_path / "n.jsonl", [ROW | {"text": row.text} | row.fields])
    (again,) = read_manifest(tmp_path / "n.jsonl").rows
    assert (again.text, again.fields) == (row.text, row.fields)
