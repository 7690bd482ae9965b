/**
 * The one socket of a signed-in page: opens, resumes, opens again; hands on what became stale.
 *
 * It waits while the browser is offline, and notices a line that is dead without having been closed
 * by asking for an answer. While no socket stands, pages are refreshed slowly.
 */
import { delayMs } from "@/realtime/backoff";
import { readFrame } from "@/realtime/frames";
import type { QueryKey } from "@/realtime/kinds";
import { address, EVERYTHING, follow, type Place } from "@/realtime/place";

export type LineState = "connecting" | "live" | "reconnecting" | "offline";

export const PING_MS = 25_000;
export const ANSWER_MS_MAX = 10_000;
/** A connection that held this long was a good one: the next failure starts from the beginning. */
export const STEADY_MS = 10_000;
export const SAFETY_NET_MS = 30_000;
const SIGNED_OUT = 4401;
const NOT_ALLOWED = 4403;
/** The place to resume from was refused. */
const NOT_ACCEPTED = 4422;
const DONE = 1000;

/** What the line needs of its surroundings, so that tests can stand in for them. */
export interface World {
  origin: string;
  open: (address: string) => WebSocket;
  isOnline: () => boolean;
  chance: () => number;
  onState: (state: LineState) => void;
  onStale: (keys: QueryKey[]) => void;
  onSignedOut: () => void;
}

type Timer = ReturnType<typeof setTimeout>;

export class Line {
  private place: Place = null;
  private socket: WebSocket | null = null;
  private failures = 0;
  private retry: Timer | undefined;
  private steady: Timer | undefined;
  private ping: Timer | undefined;
  private answer: Timer | undefined;
  private net: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly world: World) {}

  start(): void {
    this.world.onState(this.world.isOnline() ? "connecting" : "offline");
    this.spreadNet();
    this.connect();
  }

  stop(): void {
    this.drop();
    clearTimeout(this.retry);
    clearInterval(this.net);
  }

  /** The browser has a network again, or the tab was shown: no more waiting. */
  wake(): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.ask();
    if (this.socket !== null) return;
    this.failures = 0;
    this.connect();
  }

  /** The browser lost its network: a socket that still seems open is not. */
  lose(): void {
    this.drop();
    clearTimeout(this.retry);
    this.world.onState("offline");
    this.spreadNet();
  }

  private connect(): void {
    clearTimeout(this.retry);
    if (!this.world.isOnline()) return;
    const socket = this.world.open(address(this.world.origin, this.place));
    this.socket = socket;
    // One that never opens is given up like one that never answers.
    this.expectAnswer();
    socket.onmessage = ({ data }) => this.hear(data);
    socket.onclose = ({ code }) => this.closed(code);
  }

  private hear(data: unknown): void {
    clearTimeout(this.answer);
    clearTimeout(this.ping);
    this.ping = setTimeout(() => this.ask(), PING_MS);
    const frame = readFrame(data);
    if (frame === null) return;
    if (frame.type === "hello") this.greeted();
    const { place, stale } = follow(this.place, frame);
    this.place = place;
    if (stale.length > 0) this.world.onStale(stale);
  }

  private greeted(): void {
    clearInterval(this.net);
    this.net = undefined;
    clearTimeout(this.steady);
    this.steady = setTimeout(() => (this.failures = 0), STEADY_MS);
    this.world.onState("live");
  }

  private ask(): void {
    this.socket?.send("ping");
    this.expectAnswer();
  }

  private expectAnswer(): void {
    clearTimeout(this.answer);
    this.answer = setTimeout(() => {
      this.drop();
      this.again();
    }, ANSWER_MS_MAX);
  }

  private closed(code: number): void {
    this.drop();
    if (code === NOT_ACCEPTED) this.place = null;
    if (code === SIGNED_OUT || code === NOT_ALLOWED) this.world.onSignedOut();
    this.again();
  }

  private again(): void {
    this.world.onState(this.world.isOnline() ? "reconnecting" : "offline");
    this.spreadNet();
    this.retry = setTimeout(() => this.connect(), delayMs(this.failures, this.world.chance()));
    this.failures += 1;
  }

  private spreadNet(): void {
    this.net ??= setInterval(() => this.world.onStale([EVERYTHING]), SAFETY_NET_MS);
  }

  /** Leaves the socket without hearing from it again. */
  private drop(): void {
    for (const timer of [this.steady, this.ping, this.answer]) clearTimeout(timer);
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onmessage = null;
    socket.onclose = null;
    // Closing one that still opens would be reported as an error.
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(DONE);
    else socket.close(DONE);
  }
}
