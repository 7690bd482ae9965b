/** Who has to agree before the run may happen, in words. */
import type { Approval } from "@/api/types";

export function needsWords(needs: Approval["needs"]): string[] {
  return needs.map(({ roles, quorum, self_approve }) => {
    const who = roles === null ? anybody(quorum) : withRoles(quorum, roles);
    const others = self_approve ? "" : ", and not the person who asked for it";
    return `${who} ${quorum === 1 ? "has" : "have"} to agree${others}`;
  });
}

function anybody(quorum: number): string {
  return quorum === 1 ? "anybody who may approve" : `${quorum} of those who may approve`;
}

function withRoles(quorum: number, roles: string[]): string {
  const who = quorum === 1 ? "a person" : `${quorum} people`;
  return `${who} with the role ${new Intl.ListFormat("en", { type: "disjunction" }).format(roles)}`;
}
