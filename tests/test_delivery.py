import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.delivery import FOREVER, Delivery

PAGE = b"<!doctype html>" + 200 * b"<p>three seven stop</p>"
HTML = (b"content-type", b"text/html; charset=utf-8")


def server(body: bytes = PAGE, status: int = 200):
    """An app that answers with a body in two parts."""

    async def app(scope, receive, send):
        headers = [HTML, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:7], "more_body": True})
        await send({"type": "http.response.body", "body": body[7:]})

    return app


def get(app, path: str = "/", query: str = "", method: str = "GET", **asked: str):
    """(status, headers, body) of a request; `accept_encoding="br"` is a header."""
    sent = []

    async def send(message):
        sent.append(message)

    headers = [(k.replace("_", "-").encode(), v.encode()) for k, v in asked.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    answer = app(scope | {"query_string": query.encode()}, None, send)
    with ThreadPoolExecutor(1) as thread:  # where Playwright has no event loop
        thread.submit(asyncio.run, answer).result()
    body = b"".join(each.get("body", b"") for each in sent[1:])
    names = [name for name, _ in sent[0]["headers"]]
    assert len(names) == len(set(names))
    return sent[0]["status"], dict(sent[0]["headers"]), body


UNPACK = {b"br": brotli.decompress, b"gzip": gzip.decompress, b"": bytes}


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", b"br"),
        ("gzip;q=0.5, BR;q=0", b"gzip"),
        ("br;q=0, gzip; q=0", b""),
        ("deflate", b""),
        ("", b""),
    ],
)
def test_the_page_comes_whole_in_the_best_encoding_that_is_taken(accepted, encoding):
    status, headers, body = get(Delivery(server()), accept_encoding=accepted)
    assert (status, headers.get(b"content-encoding", b"")) == (200, encoding)
    assert UNPACK[encoding](body) == PAGE
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"content-type"] == HTML[1]
    assert headers[b"vary"] == b"Accept-Encoding"


@given(body=st.binary(min_size=8, max_size=400))
def test_every_body_comes_back(body):
    for accepted, encoding in (("br", b"br"), ("gzip", b"gzip"), ("", b"")):
        _, _, sent = get(Delivery(server(body)), accept_encoding=accepted)
        assert UNPACK[encoding](sent) == body


def test_what_the_browser_has_is_not_sent_again_until_it_changes():
    _, headers, _ = get(Delivery(server()), accept_encoding="br")
    assert headers[b"cache-control"] == b"no-cache"  # kept, and asked about each time
    tag = headers[b"etag"].decode()
    for accepted in ("br", "gzip", ""):
        status, again, body = get(Delivery(server()), accept_encoding=accepted, if_none_match=tag)
        assert (status, body) == (304, b"")
        assert again[b"etag"].decode() == tag
    status, _, body = get(Delivery(server(PAGE + b".")), if_none_match=tag)
    assert (status, body) == (200, PAGE + b".")


def test_a_page_is_compressed_once_and_few_are_kept():
    delivery = Delivery(server())
    assert get(delivery, accept_encoding="br")[2] == get(delivery, accept_encoding="br")[2]
    assert len(delivery._compressed) == 1
    for i in range(50):
        delivery._app = server(PAGE + bytes([i]))
        get(delivery, accept_encoding="br")
    assert len(delivery._compressed) <= 8


@pytest.mark.parametrize("status", [302, 404, 500])
def test_another_answer_than_a_page_stays_as_it_is(status):
    found, headers, body = get(Delivery(server(status=status)), accept_encoding="br")
    assert (found, body) == (status, PAGE)
    assert b"etag" not in headers


def test_what_is_named_by_its_content_is_kept_for_good():
    for path, query in (("/assets/index-D0.js", ""), ("/theme.css", "v=c069")):
        _, headers, body = get(Delivery(server()), path, query, accept_encoding="br")
        assert (headers[b"cache-control"], body) == (FOREVER, PAGE)  # Gradio compresses it itself
    _, headers, _ = get(Delivery(server(status=404)), "/assets/none.js")
    assert b"cache-control" not in headers


@pytest.mark.parametrize(
    ("path", "method"),
    [("/theme.css", "GET"), ("/config", "GET"), ("/gradio_api/queue/data", "GET"), ("/", "HEAD")],
)
def test_the_rest_is_left_alone(path, method):
    _, headers, body = get(Delivery(server()), path, method=method, accept_encoding="br")
    assert (set(headers), body) == ({b"content-type", b"content-length"}, PAGE)
