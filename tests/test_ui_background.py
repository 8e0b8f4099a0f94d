import threading
import time

import pytest

from ui.background import Pending, Workshop


def test_a_value_is_made_once_and_waited_for():
    pending = Pending("a", lambda _: 7)
    assert not pending.finished
    with pytest.raises(TimeoutError):
        pending.result(timeout_s=0.01)
    threading.Thread(target=pending.make).start()
    assert pending.result(timeout_s=5) == 7
    assert pending.ready


def test_what_goes_wrong_is_raised_where_it_is_wanted():
    def fail(report):
        raise ValueError("no")

    pending = Pending("a", fail)
    pending.make()
    assert pending.finished
    assert not pending.ready
    with pytest.raises(ValueError, match="no"):
        pending.result()


def test_it_is_begun_once_and_a_second_maker_waits_for_the_first():
    go = threading.Event()
    calls = []

    def make(report):
        calls.append(1)
        go.wait(5)
        return 7

    pending = Pending("a", make)
    pending.begin()
    pending.begin()
    waiting = threading.Thread(target=pending.make)
    waiting.start()
    assert not pending.finished
    go.set()
    waiting.join(5)
    assert pending.finished
    assert (pending.result(), calls) == (7, [1])


def test_what_is_being_done_is_told_until_steps_are(capsys):
    def make(report):
        report(0, 0, "sharpening")
        assert pending.doing == "sharpening"
        report(1, 2)
        assert pending.doing == ""
        raise ValueError("blunt")

    pending = Pending("saw", make)
    pending.make()
    assert capsys.readouterr().err == "saw: blunt\n"


def test_what_is_on_demand_is_not_for_the_workshop():
    asked = Pending("a", lambda _: 1, on_demand=True)
    other = Pending("b", lambda _: 2)
    Workshop([asked, other]).start()
    assert other.result(timeout_s=5) == 2
    assert not asked.finished
    asked.begin()
    assert asked.result(timeout_s=5) == 1


def test_what_is_quick_is_never_seen_unfinished():
    made = []
    looks = (
        lambda pending: pending.finished,
        lambda pending: pending.ready,
        lambda pending: pending.result() == 7,
        lambda pending: pending.failure is None,
        lambda pending: list(pending.watch()) == [],
    )
    for look in looks:
        pending = Pending("a", lambda _: made.append(1) or 7, quick=True)
        assert made == []
        assert look(pending)
        assert made == [1]
        assert pending.result() == 7
        assert made == [1]
        made.clear()


def test_what_is_quick_is_made_first():
    order = []
    slow = [Pending(name, lambda _, name=name: order.append(name)) for name in "ab"]
    quick = [Pending(name, lambda _, name=name: order.append(name), quick=True) for name in "cd"]
    Workshop([slow[0], quick[0], slow[1], quick[1]]).start()
    slow[1].result(timeout_s=5)
    assert order == ["c", "d", "a", "b"]


def test_watching_ends_as_soon_as_it_is_made():
    go = threading.Event()
    pending = Pending("a", lambda _: go.wait(5))
    pending.begin()
    watching = pending.watch(every_s=60)
    next(watching)
    go.set()
    assert list(watching) == []  # and not after a minute


def test_progress_is_seen_while_it_is_made():
    go = threading.Event()

    def make(report):
        report(3, 10)
        go.wait(5)
        return 1

    pending = Pending("a", make)
    threading.Thread(target=pending.make).start()
    while pending.total == 0:
        time.sleep(0.001)
    seen = pending.watch(every_s=0.01)
    assert next(seen) == (3, 10)
    go.set()
    list(seen)
    assert pending.result() == 1


def test_the_workshop_works_in_order_and_once():
    order = []
    pendings = [Pending(name, lambda _, name=name: order.append(name)) for name in "abc"]
    workshop = Workshop([*pendings, Pending.of("d", None)])
    for _ in range(3):
        workshop.start()
    for pending in pendings:
        pending.result(timeout_s=5)
    assert order == ["a", "b", "c"]
