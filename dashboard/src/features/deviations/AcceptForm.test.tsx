import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import type { Observations } from "@/api/types";
import { AcceptForm } from "@/features/deviations/AcceptForm";
import { endOf, proposed } from "@/features/deviations/until";

const observed = {
  check: "ssh_config",
  check_title: "SSH server configuration",
  next_cursor: null,
  items: ["scanner", "records"].map((name) => ({
    host_id: `host_${name}`,
    host_name: name,
    severity: "high",
    summary: `unsafe: ${name}`,
    facts: { failing: ["PermitRootLogin"] },
    facts_digest: `digest of ${name}`,
    log_index: 7,
    measured_at: "2026-11-25T10:00:00Z",
    deviation_id: null,
    standing: null,
  })),
} satisfies Observations;

const write = (label: RegExp, value: string) =>
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
const pick = (name: string) => fireEvent.click(screen.getByLabelText(name));

function show(host: string, observations: Observations, sent = vi.fn()) {
  render(
    <MantineProvider env="test">
      <AcceptForm
        observed={observations}
        host={host}
        isBusy={false}
        error={null}
        onSubmit={sent}
      />
    </MantineProvider>,
  );
  return sent;
}

test("the host that one comes from stands first, wherever the list has it", () => {
  show("host_records", observed);
  const names = screen.getAllByRole("checkbox").map((box) => box.getAttribute("value"));
  expect(names).toEqual(["host_records", "host_scanner"]);
  expect(screen.getByLabelText("records")).toHaveProperty("checked", true);
  expect(screen.queryByText(/fails on more hosts/)).toBeNull();
});

test("that there are more hosts than can be accepted at once is said", () => {
  show("host_records", { ...observed, next_cursor: "more" });
  expect(screen.getByText(/fails on more hosts: the first 2 are shown/)).toBeTruthy();
});

test("what is sent is what was shown, of the hosts that were picked", () => {
  const sent = show("host_scanner", observed);
  const accept = screen.getByRole("button", { name: "Accept it" });
  expect(accept).toHaveProperty("disabled", true);
  write(/^Owner/, "Dr. Berg");
  write(/^Reason/, "an old scanner");
  write(/^Compensating control/, "its network is closed");
  pick("scanner");
  expect(accept).toHaveProperty("disabled", true);
  pick("records");
  fireEvent.click(accept);
  expect(sent.mock.calls).toEqual([
    [
      {
        check: "ssh_config",
        hosts: { host_records: "digest of records" },
        until: endOf(proposed(new Date())),
        owner: "Dr. Berg",
        reason: "an old scanner",
        control: "its network is closed",
      },
    ],
  ]);
});
