// The contract's rule, decision and events. What a server adds besides is optional here.

export type Severity = 'ok' | 'warn' | 'crit' | 'low' | 'medium' | 'high' | 'critical'
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface Rule {
  id: string
  when: { kpiId: string; severity: Severity[]; condition?: string }
  action: string
  params?: { [name: string]: Json }
  limits?: {
    maxDailyPct?: number
    maxWeeklyPct?: number
    maxDailyQty?: number
    maxRunsPerHostPerDay?: number
    maxRunsPerSitePerHour?: number
    maxConcurrentPerSite?: number
  }
  // Days from 0 = Sunday to 6 = Saturday; times "HH:MM", the end inclusive.
  window?: { days: number[]; start: string; end: string; timezone?: string }
  openingHours?: 'inside' | 'outside'
  approval?: {
    required: boolean
    roles?: string[]
    bypassIfSeverity?: Severity
    selfApprove?: boolean
    expiresMinutes?: number
    quorum?: number
  }
  autoExecute?: boolean
  autoSuggest?: boolean
  name?: string
  description?: string
  enabled?: boolean
  priority?: number
  effect?: 'allow' | 'deny'
  scope?: { partner?: string; site?: string; host?: string; platform?: string; tags?: string[] }
  floor?: boolean
  cooldownMinutes?: number
  maxStaleMinutes?: number
  mode?: 'enforce' | 'log_only'
  expiresAt?: string
}

export interface StoredRule extends Rule {
  revision: number
  createdBy: string
  createdAt: string
  updatedBy: string
  updatedAt: string
}

export interface Alert {
  id: string
  kpiId: string
  title: string
  message: string
  severity: Severity
  delta?: number
  siteId?: string
  hostId?: string
  platform?: string
  facts?: { [name: string]: Json }
}

interface Explained {
  action: string | null
  verdict: 'run' | 'ask' | 'offer' | 'block'
  code: string
  ruleId: string | null
  trace: { check: string; outcome: string; detail: string }[]
  policyRevision: number
  policyEpoch: number
  policyAgeSeconds: number | null
  decisionId: string
}

export interface DecisionAllow extends Explained {
  type: 'allow'
  execute: boolean
  needsApproval: boolean
  approverRoles: string[] | null
  resolvedParams: { [name: string]: Json }
}

export interface DecisionDeny extends Explained {
  type: 'deny'
  reason: string
  would?: { verdict: string; code: string; ruleId: string | null }
}

export type Decision = DecisionAllow | DecisionDeny

type Event =
  | { service: 'policy'; type: 'created'; id: string }
  | { service: 'policy'; type: 'updated'; id: string }
  | { service: 'policy'; type: 'deleted'; id: string }
  | { service: 'policy'; type: 'bulk-created'; count: number }
  | { service: 'policy'; type: 'restored'; from: string }

// `seq` goes into `?since=` of the next socket, with the `epoch` of the last hello.
export type PolicyEvent = Event & { seq: number }
export type PolicyHello = {
  service: 'policy'
  type: 'hello'
  seq: number
  epoch: string
  recovered: boolean
}
export type PolicyFrame = PolicyEvent | PolicyHello | { service: 'policy'; type: 'pong' }

export interface RuleList {
  ok: true
  data: StoredRule[]
}
// What has to come about, all of it, for the action to run.
export interface Unlock {
  action: string | null
  verdict: 'run' | 'ask' | 'offer' | 'block'
  steps: {
    kind: string
    message: string
    ruleId: string | null
    at: string | null
    roles: string[] | null
    count: number | null
    names: string[]
  }[]
}
export interface Answer {
  ok: true
  decision: Decision
  unlock?: Unlock[]
}
// What a rule that was just written does not do, though it looks as if it did.
export interface Finding {
  code: string
  level: string
  ruleId: string
  otherRuleIds: string[]
  path: string
  message: string
}
export interface Written {
  ok: true
  count?: number
  findings?: Finding[]
  moreFindings?: number
}

// Calls `changed` whenever rules may have changed, and comes back when the line was lost.
export function follow(url: string, changed: (frame: PolicyEvent | null) => void): () => void {
  let last: { seq: number; epoch: string } | null = null
  let socket: WebSocket | null = null
  let ended = false

  const open = () => {
    const since = last === null ? '' : `?since=${last.seq}&epoch=${last.epoch}`
    socket = new WebSocket(url + since)
    socket.onmessage = (message: MessageEvent<string>) => {
      const frame = JSON.parse(message.data) as PolicyFrame
      if (frame.type === 'pong') return
      if (frame.type === 'hello') {
        if (last !== null && !frame.recovered) changed(null)
        last = { seq: frame.seq, epoch: frame.epoch }
        return
      }
      if (last !== null) last.seq = frame.seq
      changed(frame)
    }
    socket.onclose = () => {
      if (!ended) setTimeout(open, 1_000)
    }
  }

  open()
  return () => {
    ended = true
    socket?.close()
  }
}
