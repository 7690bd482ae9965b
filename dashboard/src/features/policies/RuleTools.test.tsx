import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import type { RuleFilter } from "@/features/policies/filter";
import { RuleTools } from "@/features/policies/RuleTools";

test("a reader searches, and is told why there is no new rule for them", async () => {
  const change = vi.fn<(filter: RuleFilter) => void>();
  render(
    <MantineProvider env="test">
      <RuleTools
        filter={{ state: "expired", page: 3 }}
        shown={2}
        total={11}
        canWrite={false}
        onChange={change}
      />
    </MantineProvider>,
  );
  const make = screen.getByRole("button", { name: "New rule" });
  expect(make).toHaveProperty("disabled", true);
  const why = document.getElementById(make.getAttribute("aria-describedby") ?? "");
  expect(why?.textContent).toBe("Only managers and owners change rules.");
  expect(screen.getByRole("status").textContent).toBe("2 of 11 rules");
  await userEvent.type(screen.getByRole("searchbox"), "ssh ");
  // Another search begins on its first page and keeps the state.
  expect(change).toHaveBeenLastCalledWith({ q: "ssh", state: "expired" });
});
