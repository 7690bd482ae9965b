"""Runs axe-core in a page: what a person with a screen reader or weak sight would stumble over."""

from pathlib import Path

from playwright.sync_api import Page

SOURCE = Path("dashboard/node_modules/axe-core/axe.min.js")
GRAVE = ("serious", "critical")

_RUN = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
  ({id, impact, nodes}) => ({id, impact, nodes: nodes.map(({html}) => html.slice(0, 200))}))
"""


def violations(page: Page) -> list[str]:
    """What is serious or critical on the page as it stands, each with its first places."""
    # Evaluated by the debugger: the content policy refuses a script that is put into the page.
    page.evaluate("() => {" + SOURCE.read_text() + "}")
    return [
        f"{found['id']} ({found['impact']}): {found['nodes'][:3]}"
        for found in page.evaluate(_RUN)
        if found["impact"] in GRAVE
    ]
