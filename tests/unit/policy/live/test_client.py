"""A listener's queue and its wire: in order, whole, at once where it can be, bounded where not."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from wardline.policy.live.client import WRITE_BYTES_MAX, Client
from wardline.policy.live.frames import POLICY_CHANNEL, Frame

FRAMES_MAX = 8


class Peer:
    """A connection that takes so many more writes; what the peer got of them."""

    def __init__(self, takes: int = 1_000_000) -> None:
        self.takes = takes
        self.got: list[bytes] = []

    def is_writable(self) -> bool:
        return self.takes > 0

    def write(self, frames: bytes) -> None:
        assert self.takes > 0, "written past what the peer takes"
        self.takes -= 1
        self.got.append(frames)

    async def until_writable(self) -> None:
        raise AssertionError("a client never waits for its peer")


def client_of(peer: Peer | None, frames_max: int = FRAMES_MAX) -> Client:
    made = Client(POLICY_CHANNEL, frames_max)
    if peer is not None:
        made.attach(peer)
    return made


def frames(*texts: str) -> list[Frame]:
    return [Frame.of(text) for text in texts]


def test_all_listeners_are_written_the_same_bytes_when_they_are_told():
    peers = [Peer(), Peer()]
    told = frames("one")
    for peer in peers:
        client_of(peer).put(told)
    assert all(peer.got[0] is told[0].wire for peer in peers)


def test_what_came_before_the_wire_goes_out_first():
    client, peer = client_of(None), Peer()
    client.put(frames("hello", "missed"))
    client.attach(peer)
    client.put(frames("new"))
    assert b"".join(peer.got) == b"".join(one.wire for one in frames("hello", "missed", "new"))


def test_several_that_wait_are_one_write():
    peer = Peer(takes=1)
    client = client_of(peer)
    client.put(frames("first"))
    for name in ("second", "third"):
        client.put(frames(name))
    assert len(peer.got) == 1
    peer.takes = 5
    client.write()
    assert peer.got[1:] == [b"".join(one.wire for one in frames("second", "third"))]


def test_nothing_overtakes_what_waits():
    """Even where the peer takes more again, and nobody has written since."""
    peer = Peer(takes=0)
    client = client_of(peer)
    client.put(frames("first"))
    peer.takes = 5
    client.put(frames("second"))
    assert b"".join(peer.got) == b"".join(one.wire for one in frames("first", "second"))


def test_a_write_is_no_longer_than_it_must_be():
    long = "x" * (WRITE_BYTES_MAX // 3)
    peer = Peer()
    client = client_of(peer)
    client.put(frames(*[long] * FRAMES_MAX))
    assert max(map(len, peer.got)) < WRITE_BYTES_MAX + len(Frame.of(long).wire)
    assert sum(map(len, peer.got)) == FRAMES_MAX * len(Frame.of(long).wire)


def test_more_at_once_than_the_queue_holds_is_given_up_before_any_of_it_is_written():
    peer = Peer()
    client = client_of(peer)
    client.put(frames(*"a" * (FRAMES_MAX + 1)))
    assert client.behind.is_set()
    assert peer.got == []


def test_who_is_given_up_is_written_nothing_more():
    peer = Peer(takes=0)
    client = client_of(peer)
    for _ in range(FRAMES_MAX):
        client.put(frames("waits"))
    assert not client.behind.is_set()
    client.put(frames("one too many"))
    assert client.behind.is_set()
    peer.takes = 5
    client.put(frames("later"))
    client.write()
    assert peer.got == []


async def test_without_a_wire_they_are_taken_one_by_one():
    client = client_of(None)
    taking = asyncio.create_task(client.next())
    await asyncio.sleep(0)
    client.put(frames("one", "two"))
    assert [(await taking).text, (await client.next()).text] == ["one", "two"]


async def test_with_a_wire_nobody_is_woken_for_what_is_written():
    peer = Peer(takes=1)
    client = client_of(peer)
    waiting = asyncio.create_task(client.waits())
    await asyncio.sleep(0)
    client.put(frames("written"))
    await asyncio.sleep(0)
    assert not waiting.done()
    client.put(frames("waits"))
    await asyncio.wait_for(waiting, 5)


@given(
    st.lists(
        st.one_of(
            st.integers(1, FRAMES_MAX).map(lambda count: ("put", count)),
            st.integers(0, 3).map(lambda count: ("takes", count)),
            st.just(("write", 0)),
        ),
        max_size=60,
    )
)
def test_a_peer_has_got_a_beginning_of_what_was_told_in_whole_frames(steps):
    peer = Peer(takes=0)
    client = client_of(peer)
    told: list[bytes] = []
    for step, count in steps:
        if step == "put":
            some = frames(*(f"{len(told) + number}" * 30 for number in range(count)))
            told += [one.wire for one in some]
            client.put(some)
        elif step == "takes":
            peer.takes = count
        else:
            client.write()
    got = b"".join(peer.got)
    ends = [len(b"".join(told[:count])) for count in range(len(told) + 1)]
    assert b"".join(told).startswith(got)
    assert len(got) in ends
    waits = len(told) - ends.index(len(got))
    assert client.behind.is_set() or waits <= FRAMES_MAX


def test_nothing_to_tell_is_no_write():
    peer = Peer()
    client_of(peer).put([])
    assert peer.got == []
