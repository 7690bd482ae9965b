import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { AuditTools } from "@/features/audit/AuditTools";
import type { AuditFilter } from "@/features/audit/filter";

function show(filter: AuditFilter) {
  const change = vi.fn<(filter: AuditFilter) => void>();
  render(
    <MantineProvider env="test">
      <AuditTools filter={filter} onChange={change} />
    </MantineProvider>,
  );
  return change;
}

test("a search is sent as a whole, once, and without what was left empty", async () => {
  const change = show({ action: "freeze.set" });
  await userEvent.type(screen.getByLabelText("Who"), " mia@example.com ");
  await userEvent.type(screen.getByLabelText("Words"), "   ");
  expect(change).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Search" }));
  expect(change.mock.calls).toEqual([[{ action: "freeze.set", actor: "mia@example.com" }]]);
});

test("a search can be ended where there is one", async () => {
  const change = show({ text: "scanner" });
  await userEvent.click(screen.getByRole("button", { name: "Show all" }));
  expect(change).toHaveBeenCalledWith({});
});

test("without a search there is none to end", () => {
  show({});
  expect(screen.queryByRole("button", { name: "Show all" })).toBeNull();
});
