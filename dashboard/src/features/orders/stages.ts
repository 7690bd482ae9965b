/** An order's way from a person to the appliance and back, as stages with their moments. */
import type { Order, OrderStatus } from "@/api/types";

export interface Stage {
  label: string;
  at: string | null;
  state: "done" | "now" | "ahead" | "failed";
}

const ENDED: ReadonlySet<OrderStatus> = new Set(["succeeded", "failed", "expired", "lost", "cancelled"]);

export function hasEnded(status: OrderStatus): boolean {
  return ENDED.has(status);
}

export function stages(order: Order): Stage[] {
  const { status } = order;
  return [
    { label: "Sent", at: order.created_at, state: "done" },
    {
      label: status === "pending" ? "Waits for the appliance" : "Fetched by the appliance",
      at: order.leased_at,
      state: status === "pending" ? "now" : order.leased_at ? "done" : "ahead",
    },
    {
      label: order.kind === "clear_hold" ? "Carried out" : order.kind === "undo_run" ? "Undoing" : "Running",
      at: order.started_at,
      state: status === "running" ? "now" : order.started_at ? "done" : "ahead",
    },
    { label: endLabel(status), at: order.completed_at, state: endState(status) },
  ];
}

function endLabel(status: OrderStatus): string {
  switch (status) {
    case "failed":
      return "Failed";
    case "expired":
      return "Expired before it ran";
    case "lost":
      return "No word came back";
    case "cancelled":
      return "Taken back";
    default:
      return "Succeeded";
  }
}

function endState(status: OrderStatus): Stage["state"] {
  if (status === "succeeded") return "done";
  return hasEnded(status) ? "failed" : "ahead";
}
