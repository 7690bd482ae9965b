"""Frames as they are on the wire, held against another implementation of RFC 6455."""

import pytest
from websockets import frames as peers

from wardline.policy.live.frames import POLICY_CHANNEL, Frame
from wardline.policy.live.log import Change, Position


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_is_what_another_implementation_makes_of_its_text(size):
    text = "x" * size
    wanted = peers.Frame(peers.Opcode.TEXT, text.encode()).serialize(mask=False)
    assert Frame.of(text) == Frame(text, wanted)


def test_the_length_is_that_of_the_bytes():
    text = "ä" * 63
    wanted = peers.Frame(peers.Opcode.TEXT, text.encode()).serialize(mask=False)
    assert Frame.of(text).wire == wanted


def test_only_what_is_about_the_policy_is_told_there():
    changes = [
        Change(Position(0, 1), "policy.created", None, "a", {"id": "a"}),
        Change(Position(0, 2), "site.changed", None, "s", {}),
        Change(Position(0, 3), "policy.deleted", None, "a", {"id": "a"}),
    ]
    assert [one.text for one in POLICY_CHANNEL.events(changes)] == [
        '{"service":"policy","type":"created","id":"a","seq":1}',
        '{"service":"policy","type":"deleted","id":"a","seq":3}',
    ]
