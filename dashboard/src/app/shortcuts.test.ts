import { afterEach, expect, test } from "vitest";
import { isOurs, press, step } from "@/app/shortcuts";

afterEach(() => document.body.replaceChildren());

test("g and a letter go to a page, within a moment", () => {
  const { pending } = press(null, "g", 1_000);
  expect(press(pending, "a", 1_400).deed).toEqual({ do: "go", to: "/approvals" });
  expect(press(pending, "d", 1_400).deed).toEqual({ do: "go", to: "/deviations" });
  expect(press(pending, "a", 9_000).deed).toBeNull();
  expect(press(pending, "x", 1_400)).toEqual({ pending: null, deed: null });
});

test("letters alone do only what they say", () => {
  expect(press(null, "j", 0).deed).toEqual({ do: "next" });
  expect(press(null, "k", 0).deed).toEqual({ do: "previous" });
  expect(press(null, "?", 0).deed).toEqual({ do: "help" });
  expect(press(null, "f", 0).deed).toBeNull();
});

function pressedIn(html: string, init: KeyboardEventInit = {}): boolean {
  document.body.innerHTML = html;
  const event = new KeyboardEvent("keydown", { key: "j", bubbles: true, ...init });
  let ours = false;
  const listen = (heard: KeyboardEvent) => (ours = isOurs(heard));
  document.addEventListener("keydown", listen);
  (document.querySelector("[data-here]") ?? document.body).dispatchEvent(event);
  document.removeEventListener("keydown", listen);
  return ours;
}

test.each([
  ["a field", "<input data-here>"],
  ["a long field", "<textarea data-here></textarea>"],
  ["a choice", '<div role="combobox"><span data-here></span></div>'],
  ["a menu", '<div role="menu"><button data-here></button></div>'],
])("typing in %s is never a shortcut", (_, html) => {
  expect(pressedIn(html)).toBe(false);
});

test("nothing behind an open dialog moves, and the browser's keys stay its own", () => {
  expect(pressedIn('<div role="dialog"></div><p data-here></p>')).toBe(false);
  expect(pressedIn("<p data-here></p>", { ctrlKey: true })).toBe(false);
  expect(pressedIn("<p data-here></p>")).toBe(true);
});

test("j and k walk the items of a list and stop at its ends", () => {
  document.body.innerHTML =
    '<main><p data-item><a href="/1">1</a><button>x</button></p><p data-item><a href="/2">2</a></p></main>';
  for (const link of document.querySelectorAll("a")) link.scrollIntoView = () => undefined;
  const at = () => document.activeElement?.textContent;
  step(1);
  expect(at()).toBe("1");
  step(1);
  expect(at()).toBe("2");
  step(1);
  expect(at()).toBe("2");
  step(-1);
  expect(at()).toBe("1");
});
