import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { Problem } from "@/api/problem";
import { Facts } from "@/ui/Facts";
import { OutcomeBar } from "@/ui/OutcomeBar";
import { Loaded } from "@/ui/States";

const problem = new Problem(503, "Database unavailable", "It is starting.", "database");

function show(query: { data?: string; error?: Error; refetch?: () => void }) {
  const answer = { data: query.data, error: query.error ?? null, refetch: query.refetch ?? vi.fn() };
  render(
    <MantineProvider>
      <Loaded query={answer}>{(data) => <p>{data}</p>}</Loaded>
    </MantineProvider>,
  );
}

test("before there is anything, it says that it loads", () => {
  show({});
  expect(screen.getByRole("status", { name: "Loading" })).toBeTruthy();
});

test("a failure says what and why, and can be tried again", async () => {
  const refetch = vi.fn();
  show({ error: problem, refetch });
  expect(screen.getByRole("alert").textContent).toContain("Database unavailable");
  expect(screen.getByRole("alert").textContent).toContain("It is starting.");
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(refetch).toHaveBeenCalledOnce();
});

test("what was known stays when a later request fails", () => {
  show({ data: "three sites", error: problem });
  expect(screen.getByText("three sites")).toBeTruthy();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("every outcome is counted in words, also when there is none of it", () => {
  render(<OutcomeBar results={{ pass: 3, fail: 1, unknown: 0, not_applicable: 0, accepted: 0 }} />);
  const items = screen.getAllByRole("listitem").map((item) => item.textContent);
  expect(items).toEqual(["3 pass", "1 fail", "0 unknown", "0 not applicable"]);
});

test("nested facts are readable", () => {
  render(<Facts facts={{ settings: { PermitRootLogin: "yes" }, violations: [], found: true }} />);
  expect(screen.getByText("PermitRootLogin").tagName).toBe("DT");
  expect(screen.getAllByText("yes")).toHaveLength(2);
  expect(screen.getByText("none").nextElementSibling?.textContent).toBe("violations");
});

test("many values fold away", () => {
  const values = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`key${index}`, index]));
  render(<Facts facts={{ wrong: ["key3"], values }} />);
  expect(screen.getByText("21 values").closest("details")?.open).toBe(false);
});
