/** The permissions that pages ask for, as Central spells them in Me.permissions. */
import type { Permission } from "@/api/types";

export const SITES: Permission = "sites";
export const HEALING: Permission = "healing";
export const EVIDENCE: Permission = "evidence";
export const AUDIT: Permission = "audit";
export const FREEZE: Permission = "freeze";
export const DEVIATIONS: Permission = "deviations";
export const ORDERS: Permission = "orders";
export const APPROVALS: Permission = "approvals";
export const POLICY_READ: Permission = "policy.read";
export const POLICY_WRITE: Permission = "policy.write";
export const POLICY_ADMIN: Permission = "policy.admin";
