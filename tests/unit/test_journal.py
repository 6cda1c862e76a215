from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from lineage_bridge.care.rebuild import rebuild
from lineage_bridge.care.removal import known_ids, remove
from lineage_bridge.errors import JournalError
from lineage_bridge.events import Event
from lineage_bridge.journal import Journal, Writer, catch_up
from lineage_bridge.journal.trouble import network_of


def an_event(number: int, event_id: str | None = None) -> Event:
    return Event(b'{"n": %d}' % number, "run", number, event_id)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        yield opened


def test_events_come_back_in_the_order_of_arrival(journal):
    journal.append([an_event(2), an_event(1)], "http")

    assert [s.time_us for s in journal.read()] == [2, 1]
    assert journal.last_seq() == 2


def test_an_event_is_appended_once_and_what_is_none_as_often_as_it_comes(journal):
    of_ours, of_others = an_event(1, "a"), an_event(1)
    command = Event(b'{"op": "put_tag"}', "command", 1)
    seqs = journal.append([of_ours, of_others, command] * 2, "http")

    assert [s is None for s in seqs] == [False, False, False, True, True, False]
    assert len(journal.read()) == 4


def test_a_failed_transaction_leaves_nothing(journal):
    def failing():
        yield an_event(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.append(failing(), "http")

    assert journal.read() == []


def test_two_journals_share_a_home(journal):
    with Journal(journal.home) as other:
        journal.append([an_event(1)], "http")
        other.append([an_event(2)], "http")

    assert [s.seq for s in journal.read()] == [1, 2]


def test_an_id_that_was_pruned_does_not_come_again(journal):
    journal.append([an_event(1, "a"), an_event(2, "b")], "artifact")
    with journal.transaction() as tx:
        remove(tx.connection, [1])

    assert journal.append([an_event(1, "a")], "import") == [None]
    with journal.reading() as connection:
        assert known_ids(connection) == {"a", "b"}
    assert [stored.id for stored in journal.read()] == ["b"]


def test_many_may_open_a_new_home_at_once(tmp_path):
    for number in range(20):
        home = tmp_path / str(number)
        with ThreadPoolExecutor(6) as pool:
            for opened in [pool.submit(Journal, home) for _ in range(6)]:
                opened.result().close()


def test_a_newer_format_and_a_missing_journal_are_refused(journal, tmp_path):
    with pytest.raises(JournalError, match="no journal in"):
        Journal(tmp_path / "elsewhere", readonly=True)

    with journal.transaction() as tx:
        tx.connection.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError, match="format 99"):
        Journal(journal.home)


@pytest.fixture
def home_for_all():
    """A home that any user can get at; a test may run as one who may do everything."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Journal(Path(folder) / "home") as journal:
            journal.append([an_event(1), an_event(2)], "http")
        yield Path(folder) / "home"


@contextmanager
def readonly(home):
    for path in home.iterdir():
        path.chmod(0o444)
    home.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        home.chmod(0o755)


def test_a_readonly_home_can_be_read_and_who_wants_to_write_hears_why_not(home_for_all):
    with readonly(home_for_all):
        with Journal(home_for_all, readonly=True) as journal:
            assert journal.last_seq() == 2
        with pytest.raises(JournalError, match="read-only, copy it"):
            Journal(home_for_all)

    assert [path.name for path in home_for_all.iterdir()] == ["journal.db"]


def test_in_a_readonly_home_what_was_written_last_is_read_or_missed_aloud(home_for_all):
    with Journal(home_for_all) as other:
        other.append([an_event(3)], "http")
        with readonly(home_for_all), Journal(home_for_all, readonly=True) as journal:
            assert journal.last_seq() == 3
        killed = home_for_all.with_name("killed")
        killed.mkdir()
        for name in ("journal.db", "journal.db-wal"):
            shutil.copy(home_for_all / name, killed / name)

    with readonly(killed), pytest.raises(JournalError, match=r"journal\.db-wal"):
        Journal(killed, readonly=True)
    with Journal(killed, readonly=True) as journal:
        assert journal.last_seq() == 3


def test_what_sqlite_says_is_a_journal_error_wherever_it_says_it(journal):
    journal.append([an_event(1)], "http")

    def rows(connection):
        yield from connection.execute("SELECT * FROM nobody")

    with pytest.raises(JournalError, match="no such table"), journal.reading() as connection:
        list(rows(connection))
    with pytest.raises(JournalError, match="no such table"), journal.transaction() as tx:
        list(rows(tx.connection))
    assert journal.last_seq() == 1
    shutil.rmtree(journal.home)
    with pytest.raises(JournalError, match="no longer there"):
        journal.last_seq()


class Sum:
    name, version, tables = "sum", 1, ("sums",)
    schema = "CREATE TABLE IF NOT EXISTS sums (seq INTEGER PRIMARY KEY, total INTEGER)"

    def apply(self, connection, events):
        for event in events:
            connection.execute("INSERT INTO sums VALUES (?, ?)", (event.seq, event.time_us))


def test_a_model_follows_the_journal_in_batches_and_can_be_rebuilt(journal):
    journal.append([an_event(n) for n in range(1, 8)], "http")

    assert catch_up(journal, Sum()) == 7
    with journal.reading() as connection:
        before = connection.execute("SELECT * FROM sums").fetchall()
    assert len(before) == 7

    assert rebuild(journal, [Sum()]) == {"sum": 7}
    with journal.reading() as connection:
        assert connection.execute("SELECT * FROM sums").fetchall() == before


def test_a_writer_makes_what_many_threads_submit_durable(journal):
    writer = Writer(journal)
    futures = [writer.submit(an_event(n), "http") for n in range(50)]
    writer.close()

    assert sorted(f.result(timeout=0) for f in futures) == list(range(1, 51))
    with pytest.raises(JournalError, match="closed"):
        writer.submit(an_event(1), "http")


MOUNTS = r"""21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:26 / /srv rw - nfs4 box:/export rw
31 30 8:2 / /srv/local\040disk rw master:2 - xfs /dev/sdb rw
32 21 0:27 / /home rw - ext4 /dev/sdc rw
33 21 0:28 / /home rw shared:3 - fuse.sshfs me@box:/ rw
"""


@pytest.mark.parametrize(
    ("home", "network"),
    [
        ("/data/home", None),
        ("/srv/home", "nfs4"),
        ("/srv/local disk/home", None),
        ("/srv/localdisk", "nfs4"),
        ("/srvx", None),
        ("/home/me/.lineage-bridge", "fuse.sshfs"),  # what is mounted over another one hides it
    ],
)
def test_a_home_on_a_network_is_recognised_by_its_nearest_mount(home, network):
    assert network_of(Path(home), MOUNTS) == network
