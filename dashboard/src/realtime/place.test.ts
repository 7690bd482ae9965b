import { expect, test } from "vitest";
import { type Frame, readFrame } from "@/realtime/frames";
import { keysFor } from "@/realtime/kinds";
import { address, EVERYTHING, follow, type Place } from "@/realtime/place";

const PLACE: Place = { seq: 7, epoch: "e1" };

function frame(said: object): Frame {
  const read = readFrame(JSON.stringify(said));
  if (read === null) throw new Error("not a frame");
  return read;
}

test("the first hello makes everything stale: pages fetched before the line stood", () => {
  const hello = frame({ type: "hello", seq: 7, epoch: "e1", recovered: false });
  expect(follow(null, hello)).toEqual({ place: PLACE, stale: [EVERYTHING] });
});

test("a recovered hello keeps what is shown; one that lost something does not", () => {
  const hello = { type: "hello", seq: 9, epoch: "e2" };
  expect(follow(PLACE, frame({ ...hello, recovered: true }))).toEqual({
    place: { seq: 9, epoch: "e2" },
    stale: [],
  });
  expect(follow(PLACE, frame({ ...hello, recovered: false })).stale).toEqual([EVERYTHING]);
});

test("a change moves the place, also to a smaller number: the log's order is not theirs", () => {
  const change = frame({ seq: 5, kind: "hold", site_id: "site_1", subject: "hold_1" });
  expect(follow(PLACE, change)).toEqual({
    place: { seq: 5, epoch: "e1" },
    stale: [
      ["holds"],
      ["incident", "site_1"],
      ["incidents"],
      ["site-incidents", "site_1"],
      ["runbooks"],
    ],
  });
});

test("a kind of a newer release makes everything stale rather than nothing", () => {
  const change = frame({ seq: 8, kind: "moon.phase", site_id: null, subject: "x" });
  expect(follow(PLACE, change).stale).toEqual([EVERYTHING]);
  expect(keysFor("constructor", null)).toBeNull();
});

test("a change without a site concerns every site's queries of that name", () => {
  expect(keysFor("checkpoint", null)).toContainEqual(["evidence"]);
  expect(keysFor("checkpoint", "site_1")).toContainEqual(["evidence", "site_1"]);
});

test("a pong says nothing", () => {
  expect(follow(PLACE, frame({ type: "pong" }))).toEqual({ place: PLACE, stale: [] });
});

test.each([
  ["text", "ping"],
  ["an array", "[1]"],
  ["null", "null"],
  ["bytes", new Uint8Array(2)],
  ["no number", JSON.stringify({ kind: "order", subject: "o", site_id: null })],
  ["another type", JSON.stringify({ type: "bye", seq: 1 })],
  ["half a hello", JSON.stringify({ type: "hello", seq: 1, epoch: "e" })],
])("%s is no frame", (_, data) => {
  expect(readFrame(data)).toBeNull();
});

test("the address resumes where the page stands, over TLS where the page is", () => {
  expect(address("http://127.0.0.1:8000", null)).toBe("ws://127.0.0.1:8000/api/v1/live");
  expect(address("https://127.0.0.1:8000", PLACE)).toBe(
    "wss://127.0.0.1:8000/api/v1/live?since=7&epoch=e1",
  );
});
