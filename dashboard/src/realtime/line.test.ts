import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { delayMs } from "@/realtime/backoff";
import type { QueryKey } from "@/realtime/kinds";
import {
  ANSWER_MS_MAX,
  Line,
  type LineState,
  PING_MS,
  SAFETY_NET_MS,
  STEADY_MS,
} from "@/realtime/line";
import { EVERYTHING } from "@/realtime/place";

class Socket {
  static readonly all: Socket[] = [];
  readyState: number = WebSocket.CONNECTING;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(readonly address: string) {
    Socket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.readyState = WebSocket.CLOSED;
  }
  says(frame: object): void {
    this.readyState = WebSocket.OPEN;
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  ends(code = 1006): void {
    this.readyState = WebSocket.CLOSED;
    this.onclose?.({ code });
  }
}

const HELLO = { type: "hello", seq: 3, epoch: "e1", recovered: false };
let states: LineState[] = [];
let stale: QueryKey[] = [];
let isOnline = true;
let signedOut = 0;

beforeEach(() => {
  vi.useFakeTimers();
  Socket.all.length = 0;
  [states, stale, isOnline, signedOut] = [[], [], true, 0];
});
afterEach(() => {
  vi.useRealTimers();
});

function line(): Line {
  const one = new Line({
    origin: "http://127.0.0.1:8000",
    open: (address) => new Socket(address) as unknown as WebSocket,
    isOnline: () => isOnline,
    chance: () => 0,
    onState: (state) => states.push(state),
    onStale: (keys) => stale.push(...keys),
    onSignedOut: () => (signedOut += 1),
  });
  one.start();
  return one;
}

function last(): Socket {
  const socket = Socket.all.at(-1);
  if (socket === undefined) throw new Error("no socket was opened");
  return socket;
}

test("it is live once the server has greeted, and resumes where it stood", async () => {
  line();
  last().says(HELLO);
  last().says({ seq: 4, kind: "hold", site_id: "s1", subject: "h1" });
  expect(states.at(-1)).toBe("live");
  last().ends();
  expect(states.at(-1)).toBe("reconnecting");
  await vi.advanceTimersByTimeAsync(delayMs(0, 0));
  expect(Socket.all).toHaveLength(2);
  expect(last().address).toContain("since=4&epoch=e1");
});

test("each failure doubles the wait, up to a cap; a steady line starts anew", async () => {
  line();
  for (let failures = 0; failures < 4; failures++) {
    last().ends();
    await vi.advanceTimersByTimeAsync(delayMs(failures, 0) - 1);
    expect(Socket.all).toHaveLength(failures + 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(Socket.all).toHaveLength(failures + 2);
  }
  last().says(HELLO);
  await vi.advanceTimersByTimeAsync(STEADY_MS);
  last().ends();
  await vi.advanceTimersByTimeAsync(delayMs(0, 0));
  expect(Socket.all).toHaveLength(6);
  expect(delayMs(50, 0.999)).toBeLessThanOrEqual(30_000);
  expect(delayMs(0, 0)).toBeLessThan(delayMs(0, 0.9));
});

test("a server that greets and hangs up at once is not stormed", async () => {
  line();
  for (let round = 0; round < 5; round++) {
    last().says(HELLO);
    last().ends();
    await vi.advanceTimersByTimeAsync(delayMs(round, 0));
  }
  const opened = Socket.all.length;
  last().says(HELLO);
  last().ends();
  await vi.advanceTimersByTimeAsync(delayMs(0, 0));
  expect(Socket.all).toHaveLength(opened);
});

test("a line that died without a word is found by asking", async () => {
  line();
  last().says(HELLO);
  await vi.advanceTimersByTimeAsync(PING_MS);
  expect(last().sent).toEqual(["ping"]);
  last().says({ type: "pong" });
  await vi.advanceTimersByTimeAsync(PING_MS);
  await vi.advanceTimersByTimeAsync(ANSWER_MS_MAX);
  expect(states.at(-1)).toBe("reconnecting");
});

test("while no line stands everything is fetched again slowly, and not once one does", async () => {
  line();
  await vi.advanceTimersByTimeAsync(SAFETY_NET_MS);
  expect(stale).toEqual([EVERYTHING]);
  last().says({ ...HELLO, recovered: true });
  stale = [];
  await vi.advanceTimersByTimeAsync(PING_MS - 1);
  last().says({ type: "pong" });
  await vi.advanceTimersByTimeAsync(PING_MS - 1);
  expect(stale).toEqual([]);
});

test("offline it does not try; with the network back it tries at once", async () => {
  const one = line();
  last().says(HELLO);
  isOnline = false;
  one.lose();
  expect(states.at(-1)).toBe("offline");
  await vi.advanceTimersByTimeAsync(120_000);
  expect(Socket.all).toHaveLength(1);
  isOnline = true;
  one.wake();
  expect(Socket.all).toHaveLength(2);
});

test("a place that the server does not take is given up", async () => {
  line();
  last().says(HELLO);
  last().ends(4422);
  await vi.advanceTimersByTimeAsync(delayMs(0, 0));
  expect(last().address).not.toContain("since");
});

test("a session that ended is told, and after its end the line stays shut", async () => {
  const one = line();
  last().says(HELLO);
  last().ends(4401);
  expect(signedOut).toBe(1);
  one.stop();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(Socket.all).toHaveLength(1);
});
