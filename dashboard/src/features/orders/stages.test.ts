import { expect, test } from "vitest";
import type { Order, OrderStatus } from "@/api/types";
import { stages } from "@/features/orders/stages";

const AT = "2026-11-21T09:00:00Z";

function order(status: OrderStatus, moments: Partial<Order> = {}): Order {
  const none = { leased_at: null, started_at: null, completed_at: null };
  return { kind: "run_runbook", status, created_at: AT, ...none, ...moments } as Order;
}

function states(one: Order): string[] {
  return stages(one).map(({ state }) => state);
}

test("an order goes from a person to the appliance and back", () => {
  expect(states(order("pending"))).toEqual(["done", "now", "ahead", "ahead"]);
  expect(states(order("leased", { leased_at: AT }))).toEqual(["done", "done", "ahead", "ahead"]);
  const running = { leased_at: AT, started_at: AT };
  expect(states(order("running", running))).toEqual(["done", "done", "now", "ahead"]);
  expect(states(order("succeeded", { ...running, completed_at: AT }))).toEqual([
    "done",
    "done",
    "done",
    "done",
  ]);
});

test("what is carried out without a run is done once it has succeeded, and not before", () => {
  const looked = { kind: "check_again", leased_at: AT } as const;
  expect(states(order("leased", looked))).toEqual(["done", "done", "ahead", "ahead"]);
  const done = { ...looked, completed_at: AT };
  expect(states(order("succeeded", done))).toEqual(["done", "done", "done", "done"]);
  expect(states(order("failed", done))).toEqual(["done", "done", "ahead", "failed"]);
});

test.each<[OrderStatus, string]>([
  ["failed", "Failed"],
  ["expired", "Expired before it ran"],
  ["lost", "No word came back"],
  ["cancelled", "Taken back"],
])("one that is %s ends as such", (status, label) => {
  expect(stages(order(status, { completed_at: AT })).at(-1)).toEqual({
    label,
    at: AT,
    state: "failed",
  });
});
