import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ReasonDialog } from "@/ui/ReasonDialog";

test.each([
  [undefined, 1000],
  [500, 500],
])("a reason is as long as Central takes it (%s)", (charactersMax, length) => {
  render(
    <MantineProvider env="test">
      <ReasonDialog
        isOpen
        title="Accept it no more"
        action="Revoke"
        charactersMax={charactersMax}
        isBusy={false}
        error={null}
        onSubmit={vi.fn()}
        onClose={vi.fn()}
      />
    </MantineProvider>,
  );
  expect(screen.getByLabelText(/^Reason/)).toHaveProperty("maxLength", length);
});
