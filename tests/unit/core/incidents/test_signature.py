"""What makes two incidents the same kind."""

from wardline.core.incidents import signature


def test_order_and_repeats_do_not_count() -> None:
    assert signature.signature("c", ["a", "b"]) == signature.signature("c", ["b", "a", "b"])


def test_check_and_keys_count() -> None:
    found = {
        signature.signature(check, keys)
        for check, keys in (("c", ["a"]), ("d", ["a"]), ("c", ["b"]), ("c", []), ("c", ["a", "b"]))
    }
    assert len(found) == 5
    assert all(len(one) == signature.SIGNATURE_CHARS for one in found)


def test_failing_keys_are_read_from_facts_of_any_form() -> None:
    assert signature.failing({"failing": ["a", 1, "b"]}) == ("a", "b")
    assert signature.failing({"failing": "ab"}) == ()
    assert signature.failing({}) == ()
