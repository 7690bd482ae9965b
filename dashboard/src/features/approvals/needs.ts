/** Who has to agree before the run may happen, and how often that was asked, in words. */
import type { Approval } from "@/api/types";

export function needsWords(needs: Approval["needs"]): string[] {
  return needs.map(({ roles, quorum, self_approve }) => {
    const who = roles === null ? anybody(quorum) : withRoles(quorum, roles);
    const others = self_approve ? "" : ", and not the person who asked for it";
    return `${who} ${quorum === 1 ? "has" : "have"} to agree${others}`;
  });
}

/** "for the 2nd time": null at the first. */
export function timesWords(nth: number): string | null {
  if (nth < 2) return null;
  return `for the ${nth}${ENDINGS[ORDINAL.select(nth)]} time`;
}

const ORDINAL = new Intl.PluralRules("en", { type: "ordinal" });
const ENDINGS: Record<Intl.LDMLPluralRule, string> = {
  zero: "th",
  one: "st",
  two: "nd",
  few: "rd",
  many: "th",
  other: "th",
};

function anybody(quorum: number): string {
  return quorum === 1 ? "anybody who may approve" : `${quorum} of those who may approve`;
}

function withRoles(quorum: number, roles: string[]): string {
  const who = quorum === 1 ? "a person" : `${quorum} people`;
  return `${who} with the role ${new Intl.ListFormat("en", { type: "disjunction" }).format(roles)}`;
}
