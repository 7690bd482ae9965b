"""What a visit needs: screens, a password, the way in."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PASSWORD = "a long passphrase of ours"
# Both widths and both schemes are looked at each time, all pairs of them in the long form.
SCREENS = [
    pytest.param(DESKTOP, "light", id="wide-light"),
    pytest.param(DESKTOP, "dark", id="wide-dark", marks=pytest.mark.full),
    pytest.param(PHONE, "light", id="phone-light", marks=pytest.mark.full),
    pytest.param(PHONE, "dark", id="phone-dark"),
]

OpenPage = Callable[..., Page]


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
