-- The sum of migrations/*.sql, written by its test; never edited by hand.
SET check_function_bodies = false;
CREATE FUNCTION public.count_policy_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  INSERT INTO public.policy_revision_counts AS held
    (partner_id, revision, added, changed, removed)
  SELECT v.partner_id, v.revision,
    count(*) FILTER (WHERE earlier.body IS NULL AND v.body IS NOT NULL),
    count(*) FILTER (WHERE earlier.body IS NOT NULL AND v.body IS NOT NULL
      AND earlier.body - 'revision' <> v.body - 'revision'),
    count(*) FILTER (WHERE earlier.body IS NOT NULL AND v.body IS NULL)
  FROM fresh v LEFT JOIN LATERAL (
    SELECT p.body FROM public.policy_rule_versions p
    WHERE p.partner_id = v.partner_id AND p.rule_id = v.rule_id AND p.revision < v.revision
    ORDER BY p.revision DESC LIMIT 1) earlier ON true
  GROUP BY v.partner_id, v.revision
  ON CONFLICT (partner_id, revision) DO UPDATE SET added = held.added + excluded.added,
    changed = held.changed + excluded.changed, removed = held.removed + excluded.removed;
  RETURN NULL;
END
$$;
CREATE FUNCTION public.credential_appliance(given_hash bytea) RETURNS TABLE(appliance_id character varying, site_id character varying, partner_id character varying, epoch integer)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT a.id, a.site_id, a.partner_id, a.epoch
  FROM public.appliances a WHERE a.credential_hash = given_hash AND a.retired_at IS NULL
$$;
CREATE FUNCTION public.credential_enrolment(given_id text) RETURNS TABLE(id character varying, site_id character varying, partner_id character varying, secret_hash bytea, expires_at timestamp with time zone, used_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT t.id, t.site_id, t.partner_id, t.secret_hash, t.expires_at, t.used_at
  FROM public.enrolment_tokens t WHERE t.id = given_id
$$;
CREATE FUNCTION public.credential_session(given_hash bytea) RETURNS TABLE(session_id character varying, kind character varying, user_id character varying, partner_id character varying, role character varying, email character varying, name character varying, must_change_password boolean, last_seen_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT s.id, s.kind, u.id, u.partner_id, u.role, u.email, u.name, u.must_change_password,
         s.last_seen_at
  FROM public.sessions s JOIN public.users u ON u.id = s.user_id AND u.partner_id = s.partner_id
  WHERE s.token_hash = given_hash AND s.revoked_at IS NULL AND s.expires_at > now()
    AND u.disabled_at IS NULL
$$;
CREATE FUNCTION public.credential_ticket(given_hash bytea) RETURNS TABLE(session_id character varying, kind character varying, user_id character varying, partner_id character varying, role character varying, email character varying, name character varying, must_change_password boolean, last_seen_at timestamp with time zone)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  WITH spent AS (
    DELETE FROM public.socket_tickets t WHERE t.token_hash = given_hash
    RETURNING t.session_id, t.partner_id, t.user_id, t.expires_at
  )
  SELECT s.id, s.kind, u.id, u.partner_id, u.role, u.email, u.name, u.must_change_password,
         s.last_seen_at
  FROM spent t
  JOIN public.sessions s ON s.id = t.session_id AND s.partner_id = t.partner_id
  JOIN public.users u ON u.id = t.user_id AND u.partner_id = t.partner_id AND u.id = s.user_id
  WHERE t.expires_at > now() AND s.revoked_at IS NULL AND s.expires_at > now()
    AND u.disabled_at IS NULL
$$;
CREATE FUNCTION public.credential_user(given_email text) RETURNS TABLE(id character varying, partner_id character varying, password_hash text, disabled_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT u.id, u.partner_id, u.password_hash, u.disabled_at
  FROM public.users u WHERE lower(u.email) = lower(given_email)
$$;
CREATE FUNCTION public.is_frozen(of_partner text, of_site text, of_appliance text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT EXISTS (SELECT FROM public.freezes f
    WHERE f.partner_id = of_partner AND f.lifted_at IS NULL
      AND (f.site_id IS NULL OR f.site_id = of_site)
      AND (f.appliance_id IS NULL OR f.appliance_id = of_appliance))
$$;
CREATE FUNCTION public.make_append_only(target regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  EXECUTE format('DROP TRIGGER IF EXISTS append_only_rows ON %s', target);
  EXECUTE format('CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON %s'
                 ' FOR EACH ROW EXECUTE FUNCTION refuse_change()', target);
  EXECUTE format('DROP TRIGGER IF EXISTS append_only_table ON %s', target);
  EXECUTE format('CREATE TRIGGER append_only_table BEFORE TRUNCATE ON %s'
                 ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', target);
END
$$;
CREATE FUNCTION public.make_results_month(day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  first DATE := date_trunc('month', day)::date;
  name TEXT := 'results_' || to_char(first, 'YYYY_MM');
BEGIN
  IF day < DATE '2020-01-01' OR day > now()::date + 400 THEN
    RAISE EXCEPTION 'make_results_month: % is not a month to prepare', day;
  END IF;
  IF to_regclass('public.' || name) IS NULL THEN
    EXECUTE format('CREATE TABLE public.%I PARTITION OF public.results FOR VALUES FROM (%L) TO (%L)',
      name, first::timestamp AT TIME ZONE 'UTC',
      (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
    PERFORM public.protect_table(('public.' || name)::regclass, 'told');
  END IF;
END
$$;
CREATE FUNCTION public.open_to_jobs(target regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  EXECUTE format('DROP POLICY IF EXISTS jobs ON %s', target);
  EXECUTE format('CREATE POLICY jobs ON %s TO wardline_jobs USING (true) WITH CHECK (true)', target);
END
$$;
CREATE FUNCTION public.protect_table(target regclass, shape text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
  partner TEXT := 'partner_id = (SELECT public.scope_partner())';
  site TEXT := '(site_id = (SELECT public.scope_site())'
    ' AND partner_id = (SELECT public.scope_site_partner()))';
  own_site TEXT := '(site_id IS NULL OR EXISTS (SELECT FROM public.sites s'
    ' WHERE s.id = site_id AND s.partner_id = (SELECT public.scope_partner())))';
  each TEXT;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  FOREACH each IN ARRAY ARRAY['tenant', 'tenant_insert', 'tenant_update'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS %I ON %s', each, target);
  END LOOP;
  CASE shape
  WHEN 'partner' THEN
    EXECUTE format('CREATE POLICY tenant ON %s TO wardline_app USING (%s) WITH CHECK (%2$s)',
      target, partner);
  WHEN 'site' THEN
    EXECUTE format('CREATE POLICY tenant ON %s TO wardline_app USING (%s) WITH CHECK (%2$s)',
      target, site || ' OR ' || partner);
  WHEN 'log' THEN
    EXECUTE format('CREATE POLICY tenant ON %s TO wardline_app USING (%s) WITH CHECK (%s)',
      target, site || ' OR ' || partner, site || ' OR (' || partner || ' AND ' || own_site || ')');
  WHEN 'told' THEN
    EXECUTE format('CREATE POLICY tenant ON %s FOR SELECT TO wardline_app USING (%s)',
      target, site || ' OR ' || partner);
    EXECUTE format('CREATE POLICY tenant_insert ON %s FOR INSERT TO wardline_app WITH CHECK (%s)',
      target, site);
    EXECUTE format('CREATE POLICY tenant_update ON %s FOR UPDATE TO wardline_app'
      ' USING (%s) WITH CHECK (%2$s)', target, site);
  ELSE
    RAISE EXCEPTION 'protect_table: shape % is none of partner, site, told, log', shape;
  END CASE;
END
$_$;
CREATE FUNCTION public.queue_audit_record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  INSERT INTO audit_log_waiting (partner_id, record_id) VALUES (NEW.partner_id, NEW.id);
  RETURN NULL;
END
$$;
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION '% on % refused: this table is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION public.scope_partner() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT NULLIF(current_setting('app.partner', true), '') $$;
CREATE FUNCTION public.scope_site() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT NULLIF(current_setting('app.site', true), '') $$;
CREATE FUNCTION public.scope_site_had_rule(rule text, version text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT EXISTS (SELECT FROM public.policy_rule_versions v
    WHERE v.partner_id = public.scope_site_partner() AND v.rule_id = rule
      AND v.revision::text = version AND v.body IS NOT NULL
      AND coalesce(v.body #>> '{scope,site}', public.scope_site()) = public.scope_site())
$$;
CREATE FUNCTION public.scope_site_partner() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT NULLIF(current_setting('app.site_partner', true), '') $$;
CREATE TABLE public.appliance_keys (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    epoch integer NOT NULL,
    kid character varying(64) NOT NULL,
    public_key bytea NOT NULL,
    witness_key bytea NOT NULL,
    enrolled_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT appliance_keys_epoch_check CHECK ((epoch >= 1)),
    CONSTRAINT appliance_keys_public_key_check CHECK ((length(public_key) = 32)),
    CONSTRAINT appliance_keys_witness_key_check CHECK ((length(witness_key) = 32))
);
ALTER TABLE ONLY public.appliance_keys FORCE ROW LEVEL SECURITY;
CREATE TABLE public.appliances (
    id character varying(64) NOT NULL,
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    hostname character varying(255) NOT NULL,
    platform character varying(64) NOT NULL,
    agent_version character varying(64) NOT NULL,
    ip_address inet,
    is_online boolean DEFAULT false NOT NULL,
    last_checkin timestamp with time zone,
    credential_hash bytea NOT NULL,
    epoch integer DEFAULT 1 NOT NULL,
    pending_bundles integer DEFAULT 0 NOT NULL,
    quarantined_bundles integer DEFAULT 0 NOT NULL,
    enrolled_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone,
    policy_epoch bigint,
    policy_revision bigint,
    policy_refused_digest character varying(64),
    policy_refused_code character varying(64),
    policy_refused_reason character varying(1000),
    policy_refused_at timestamp with time zone,
    CONSTRAINT appliances_id_check CHECK (((id)::text <> ''::text))
);
ALTER TABLE ONLY public.appliances FORCE ROW LEVEL SECURITY;
CREATE TABLE public.approval_votes (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    approval_id character varying(64) NOT NULL,
    user_id character varying(64) NOT NULL,
    user_name character varying(255) NOT NULL,
    roles jsonb NOT NULL,
    vote character varying(16) NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT approval_votes_vote_check CHECK (((vote)::text = ANY ((ARRAY['approve'::character varying, 'reject'::character varying])::text[])))
);
ALTER TABLE ONLY public.approval_votes FORCE ROW LEVEL SECURITY;
CREATE TABLE public.approvals (
    id character varying(64) NOT NULL,
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    host_id character varying(64) NOT NULL,
    incident_id character varying(64) NOT NULL,
    incident_type character varying(255) NOT NULL,
    severity character varying(16) NOT NULL,
    runbook_id character varying(255) NOT NULL,
    runbook_version character varying(128) NOT NULL,
    runbook_digest character varying(64) NOT NULL,
    risk character varying(16) NOT NULL,
    inputs jsonb NOT NULL,
    inputs_digest character varying(64) NOT NULL,
    rule_id character varying(128) NOT NULL,
    rule_revision bigint,
    params_digest character varying(64) NOT NULL,
    needs jsonb NOT NULL,
    measured jsonb NOT NULL,
    actions jsonb NOT NULL,
    requested_by character varying(64),
    status character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT approvals_end CHECK (((closed_at IS NULL) = ((status)::text = 'pending'::text))),
    CONSTRAINT approvals_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT approvals_status_check CHECK (((status)::text = ANY ((ARRAY['pending'::character varying, 'approved'::character varying, 'rejected'::character varying, 'expired'::character varying, 'superseded'::character varying])::text[])))
);
ALTER TABLE ONLY public.approvals FORCE ROW LEVEL SECURITY;
CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    partner_id character varying(64) NOT NULL,
    site_id character varying(64),
    actor_kind character varying(16) NOT NULL,
    actor_id character varying(64) NOT NULL,
    address inet,
    action character varying(64) NOT NULL,
    subject character varying(128) NOT NULL,
    before jsonb,
    after jsonb,
    reason text,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT audit_log_actor_kind_check CHECK (((actor_kind)::text = ANY ((ARRAY['user'::character varying, 'appliance'::character varying, 'system'::character varying])::text[])))
);
ALTER TABLE ONLY public.audit_log FORCE ROW LEVEL SECURITY;
CREATE TABLE public.audit_log_alarms (
    partner_id character varying(64) NOT NULL,
    generation integer NOT NULL,
    reason text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.audit_log_alarms FORCE ROW LEVEL SECURITY;
CREATE TABLE public.audit_log_checkpoints (
    partner_id character varying(64) NOT NULL,
    generation integer NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    signed_at timestamp with time zone NOT NULL,
    CONSTRAINT audit_log_checkpoints_root_check CHECK ((length(root) = 32))
);
ALTER TABLE ONLY public.audit_log_checkpoints FORCE ROW LEVEL SECURITY;
CREATE TABLE public.audit_log_entries (
    partner_id character varying(64) NOT NULL,
    generation integer NOT NULL,
    seq bigint NOT NULL,
    record_id bigint NOT NULL,
    site_id character varying(64),
    actor_id character varying(64) NOT NULL,
    action character varying(64) NOT NULL,
    subject character varying(128) NOT NULL,
    at timestamp with time zone NOT NULL,
    entry bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT audit_log_entries_leaf_hash_check CHECK ((length(leaf_hash) = 32)),
    CONSTRAINT audit_log_entries_seq_check CHECK ((seq >= 1))
);
ALTER TABLE ONLY public.audit_log_entries FORCE ROW LEVEL SECURITY;
CREATE TABLE public.audit_log_heads (
    partner_id character varying(64) NOT NULL,
    generation integer DEFAULT 1 NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    frontier bytea DEFAULT '\x'::bytea NOT NULL
);
ALTER TABLE ONLY public.audit_log_heads FORCE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.audit_log_nodes (
    partner_id character varying(64) NOT NULL,
    generation integer NOT NULL,
    level smallint NOT NULL,
    node_index bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_log_nodes_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT audit_log_nodes_level_check CHECK ((level >= 1))
);
ALTER TABLE ONLY public.audit_log_nodes FORCE ROW LEVEL SECURITY;
CREATE TABLE public.audit_log_waiting (
    id bigint NOT NULL,
    partner_id character varying(64) NOT NULL,
    record_id bigint NOT NULL
);
ALTER TABLE ONLY public.audit_log_waiting FORCE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log_waiting ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_waiting_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.brake_runs (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    run_id character varying(64) NOT NULL,
    kind character varying(16) NOT NULL,
    name character varying(255) NOT NULL,
    version character varying(64) NOT NULL,
    incident_id character varying(64) NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    wrong boolean NOT NULL,
    CONSTRAINT brake_runs_kind_check CHECK (((kind)::text = ANY ((ARRAY['rule'::character varying, 'runbook'::character varying])::text[])))
);
ALTER TABLE ONLY public.brake_runs FORCE ROW LEVEL SECURITY;
CREATE TABLE public.brake_stops (
    id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    site_id character varying(64),
    appliance_id character varying(64),
    told_id character varying(64),
    kind character varying(16) NOT NULL,
    name character varying(255) NOT NULL,
    version character varying(64) NOT NULL,
    stopped_at timestamp with time zone NOT NULL,
    failed bigint NOT NULL,
    runs bigint NOT NULL,
    incident_id character varying(64) NOT NULL,
    incident_site_id character varying(64) NOT NULL,
    released_at timestamp with time zone,
    released_by character varying(255),
    released_by_name character varying(255),
    release_reason text,
    CONSTRAINT brake_stops_end CHECK ((((released_at IS NULL) = (released_by IS NULL)) AND ((released_by_name IS NULL) OR (released_at IS NOT NULL)) AND ((released_at IS NULL) = (release_reason IS NULL)))),
    CONSTRAINT brake_stops_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT brake_stops_kind_check CHECK (((kind)::text = ANY ((ARRAY['rule'::character varying, 'runbook'::character varying])::text[]))),
    CONSTRAINT brake_stops_place CHECK ((((appliance_id IS NULL) = (site_id IS NULL)) AND ((appliance_id IS NULL) = (told_id IS NULL))))
);
ALTER TABLE ONLY public.brake_stops FORCE ROW LEVEL SECURITY;
CREATE TABLE public.change_log (
    id bigint NOT NULL,
    tx xid8 DEFAULT pg_current_xact_id() NOT NULL,
    partner_id character varying(64) NOT NULL,
    site_id character varying(64),
    kind character varying(64) NOT NULL,
    subject character varying(128) NOT NULL,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.change_log FORCE ROW LEVEL SECURITY;
ALTER TABLE public.change_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.change_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.compliance_snapshots (
    id bigint NOT NULL,
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    snapshot_at timestamp with time zone NOT NULL,
    flake_hash character varying(64) NOT NULL,
    patching_status boolean,
    backup_status boolean,
    encryption_status boolean,
    passed integer NOT NULL,
    failed integer NOT NULL,
    unknown integer NOT NULL,
    not_applicable integer NOT NULL,
    measured_hosts integer NOT NULL,
    hosts integer NOT NULL,
    accepted integer DEFAULT 0 NOT NULL,
    CONSTRAINT compliance_snapshots_accepted_check CHECK ((accepted >= 0)),
    CONSTRAINT compliance_snapshots_failed_check CHECK ((failed >= 0)),
    CONSTRAINT compliance_snapshots_flake_hash_check CHECK (((flake_hash)::text ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT compliance_snapshots_hosts_check CHECK ((hosts >= 0)),
    CONSTRAINT compliance_snapshots_measured_hosts_check CHECK ((measured_hosts >= 0)),
    CONSTRAINT compliance_snapshots_not_applicable_check CHECK ((not_applicable >= 0)),
    CONSTRAINT compliance_snapshots_passed_check CHECK ((passed >= 0)),
    CONSTRAINT compliance_snapshots_unknown_check CHECK ((unknown >= 0))
);
ALTER TABLE ONLY public.compliance_snapshots FORCE ROW LEVEL SECURITY;
ALTER TABLE public.compliance_snapshots ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.compliance_snapshots_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.decision_answers (
    partner_id character varying(64) NOT NULL,
    asked_by character varying(255) NOT NULL,
    key character varying(128) NOT NULL,
    digest bytea NOT NULL,
    answer bytea NOT NULL,
    answered_at timestamp with time zone NOT NULL,
    CONSTRAINT decision_answers_digest_check CHECK ((length(digest) = 32))
);
ALTER TABLE ONLY public.decision_answers FORCE ROW LEVEL SECURITY;
CREATE TABLE public.decisions_kept (
    partner_id character varying(64) NOT NULL,
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    revision bigint NOT NULL,
    epoch bigint NOT NULL,
    decisions integer NOT NULL,
    kpis text[] NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT decisions_kept_body_check CHECK ((length(body) <= 8388608)),
    CONSTRAINT decisions_kept_decisions_check CHECK ((decisions >= 1)),
    CONSTRAINT decisions_kept_epoch_check CHECK ((epoch >= 1)),
    CONSTRAINT decisions_kept_revision_check CHECK ((revision >= 0))
);
ALTER TABLE ONLY public.decisions_kept FORCE ROW LEVEL SECURITY;
ALTER TABLE public.decisions_kept ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.decisions_kept_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.deviation_events (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    id bigint NOT NULL,
    deviation_id character varying(64) NOT NULL,
    kind character varying(16) NOT NULL,
    at timestamp with time zone NOT NULL,
    host_id character varying(64),
    until timestamp with time zone,
    by character varying(64),
    by_name character varying(255),
    reason text,
    CONSTRAINT deviation_events_kind_check CHECK (((kind)::text = ANY ((ARRAY['accepted'::character varying, 'renewed'::character varying, 'revoked'::character varying, 'replaced'::character varying, 'expired'::character varying, 'changed'::character varying, 'returned'::character varying, 'passes'::character varying])::text[])))
);
ALTER TABLE ONLY public.deviation_events FORCE ROW LEVEL SECURITY;
ALTER TABLE public.deviation_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.deviation_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.deviation_hosts (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    deviation_id character varying(64) NOT NULL,
    host_id character varying(64) NOT NULL,
    check_id character varying(255) NOT NULL,
    facts_digest character varying(64) NOT NULL,
    severity character varying(16) NOT NULL,
    summary text NOT NULL,
    facts jsonb NOT NULL,
    log_index bigint NOT NULL,
    standing character varying(16) DEFAULT 'accepted'::character varying NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT deviation_hosts_facts_digest_check CHECK (((facts_digest)::text ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT deviation_hosts_severity_check CHECK (((severity)::text = ANY ((ARRAY['low'::character varying, 'medium'::character varying, 'high'::character varying, 'critical'::character varying])::text[]))),
    CONSTRAINT deviation_hosts_standing_check CHECK (((standing)::text = ANY ((ARRAY['accepted'::character varying, 'changed'::character varying, 'passes'::character varying])::text[])))
);
ALTER TABLE ONLY public.deviation_hosts FORCE ROW LEVEL SECURITY;
CREATE TABLE public.deviations (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    id character varying(64) NOT NULL,
    check_id character varying(255) NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    accepted_by character varying(64) NOT NULL,
    accepted_by_name character varying(255) NOT NULL,
    until timestamp with time zone NOT NULL,
    owner character varying(255) NOT NULL,
    reason text NOT NULL,
    control text NOT NULL,
    ended_at timestamp with time zone,
    ended_why character varying(16),
    CONSTRAINT deviations_control_check CHECK ((control <> ''::text)),
    CONSTRAINT deviations_end CHECK (((ended_at IS NULL) = (ended_why IS NULL))),
    CONSTRAINT deviations_ended_why_check CHECK (((ended_why)::text = ANY ((ARRAY['expired'::character varying, 'revoked'::character varying, 'replaced'::character varying])::text[]))),
    CONSTRAINT deviations_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT deviations_order CHECK ((accepted_at < until)),
    CONSTRAINT deviations_owner_check CHECK (((owner)::text <> ''::text)),
    CONSTRAINT deviations_reason_check CHECK ((reason <> ''::text))
);
ALTER TABLE ONLY public.deviations FORCE ROW LEVEL SECURITY;
CREATE TABLE public.latest_results (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    host_id character varying(64) NOT NULL,
    check_id character varying(255) NOT NULL,
    outcome character varying(16) NOT NULL,
    severity character varying(16) NOT NULL,
    summary text NOT NULL,
    facts jsonb NOT NULL,
    facts_digest character varying(64) NOT NULL,
    controls jsonb NOT NULL,
    log_index bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT latest_results_outcome_check CHECK (((outcome)::text = ANY ((ARRAY['pass'::character varying, 'fail'::character varying, 'unknown'::character varying, 'not_applicable'::character varying])::text[])))
)
WITH (fillfactor='70');
ALTER TABLE ONLY public.latest_results FORCE ROW LEVEL SECURITY;
CREATE VIEW public.deviation_standings WITH (security_invoker='true') AS
 SELECT h.site_id,
    h.partner_id,
    h.deviation_id,
    h.host_id,
    h.check_id,
        CASE
            WHEN ((r.outcome IS NULL) OR ((r.outcome)::text = 'unknown'::text)) THEN 'unknown'::text
            WHEN ((r.outcome)::text <> 'fail'::text) THEN 'passes'::text
            WHEN (((r.facts_digest)::text = (h.facts_digest)::text) AND ((r.severity)::text = (h.severity)::text)) THEN 'accepted'::text
            ELSE 'changed'::text
        END AS standing
   FROM ((public.deviation_hosts h
     JOIN public.deviations d ON ((((d.site_id)::text = (h.site_id)::text) AND ((d.id)::text = (h.deviation_id)::text) AND (d.ended_at IS NULL) AND (d.until > now()))))
     LEFT JOIN public.latest_results r ON ((((r.site_id)::text = (h.site_id)::text) AND ((r.host_id)::text = (h.host_id)::text) AND ((r.check_id)::text = (h.check_id)::text))))
  WHERE (h.ended_at IS NULL);
CREATE TABLE public.enrolment_tokens (
    id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    site_id character varying(64) NOT NULL,
    secret_hash bytea NOT NULL,
    created_by character varying(64) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    used_by character varying(64),
    CONSTRAINT enrolment_tokens_id_check CHECK (((id)::text <> ''::text))
);
ALTER TABLE ONLY public.enrolment_tokens FORCE ROW LEVEL SECURITY;
CREATE TABLE public.evidence_alarms (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    generation integer NOT NULL,
    reason text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.evidence_alarms FORCE ROW LEVEL SECURITY;
CREATE TABLE public.evidence_bundles (
    id bigint NOT NULL,
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    host_id character varying(64),
    epoch integer NOT NULL,
    seq bigint NOT NULL,
    bundle_type character varying(50) NOT NULL,
    bundle_hash character varying(64) NOT NULL,
    hipaa_controls jsonb NOT NULL,
    generated_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    generation integer DEFAULT 1 NOT NULL,
    log_index bigint NOT NULL,
    kid character varying(64) NOT NULL,
    payload bytea NOT NULL,
    signature bytea NOT NULL,
    equivocates boolean DEFAULT false NOT NULL,
    CONSTRAINT evidence_bundles_seq_check CHECK ((seq >= 1)),
    CONSTRAINT evidence_bundles_signature_check CHECK ((length(signature) = 64))
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY public.evidence_bundles ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.evidence_bundles FORCE ROW LEVEL SECURITY;
ALTER TABLE public.evidence_bundles ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.evidence_bundles_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.evidence_checkpoints (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    generation integer NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    signed_at timestamp with time zone NOT NULL,
    CONSTRAINT evidence_checkpoints_root_check CHECK ((length(root) = 32))
);
ALTER TABLE ONLY public.evidence_checkpoints FORCE ROW LEVEL SECURITY;
CREATE TABLE public.evidence_cosignatures (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    generation integer NOT NULL,
    size bigint NOT NULL,
    appliance_id character varying(64) NOT NULL,
    line text NOT NULL,
    cosigned_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.evidence_cosignatures FORCE ROW LEVEL SECURITY;
CREATE TABLE public.evidence_log_entries (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    generation integer NOT NULL,
    log_index bigint NOT NULL,
    kind character varying(16) NOT NULL,
    entry bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT evidence_log_entries_leaf_hash_check CHECK ((length(leaf_hash) = 32))
);
ALTER TABLE ONLY public.evidence_log_entries FORCE ROW LEVEL SECURITY;
CREATE TABLE public.evidence_log_heads (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    generation integer DEFAULT 1 NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    frontier bytea DEFAULT '\x'::bytea NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE ONLY public.evidence_log_heads FORCE ROW LEVEL SECURITY;
CREATE TABLE public.evidence_log_nodes (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    generation integer NOT NULL,
    level smallint NOT NULL,
    node_index bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT evidence_log_nodes_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT evidence_log_nodes_level_check CHECK ((level >= 1))
);
ALTER TABLE ONLY public.evidence_log_nodes FORCE ROW LEVEL SECURITY;
CREATE TABLE public.evidence_streams (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    epoch integer NOT NULL,
    next_seq bigint DEFAULT 1 NOT NULL,
    prev character varying(64) NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE ONLY public.evidence_streams FORCE ROW LEVEL SECURITY;
CREATE TABLE public.flap_suppressions (
    id character varying(64) NOT NULL,
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    host_id character varying(64) NOT NULL,
    incident_type character varying(255) NOT NULL,
    runbook_id character varying(255) NOT NULL,
    incident_id character varying(64),
    suppressed_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    cleared_at timestamp with time zone,
    cleared_by character varying(255),
    clear_reason text,
    set_by character varying(255),
    CONSTRAINT flap_suppressions_end CHECK (((cleared_at IS NULL) = (cleared_by IS NULL))),
    CONSTRAINT flap_suppressions_id_check CHECK (((id)::text <> ''::text))
);
ALTER TABLE ONLY public.flap_suppressions FORCE ROW LEVEL SECURITY;
CREATE TABLE public.freeze_confirmations (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    freeze_id character varying(64) NOT NULL,
    confirmed_at timestamp with time zone NOT NULL,
    released_at timestamp with time zone
);
ALTER TABLE ONLY public.freeze_confirmations FORCE ROW LEVEL SECURITY;
CREATE TABLE public.freezes (
    id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    site_id character varying(64),
    appliance_id character varying(64),
    frozen_at timestamp with time zone NOT NULL,
    frozen_by character varying(255) NOT NULL,
    frozen_by_name character varying(255) NOT NULL,
    reason text NOT NULL,
    lifted_at timestamp with time zone,
    lifted_by character varying(255),
    lifted_by_name character varying(255),
    lift_reason text,
    CONSTRAINT freezes_end CHECK ((((lifted_at IS NULL) = (lifted_by IS NULL)) AND ((lifted_at IS NULL) = (lifted_by_name IS NULL)) AND ((lifted_at IS NULL) = (lift_reason IS NULL)))),
    CONSTRAINT freezes_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT freezes_place CHECK (((appliance_id IS NULL) OR (site_id IS NOT NULL)))
);
ALTER TABLE ONLY public.freezes FORCE ROW LEVEL SECURITY;
CREATE TABLE public.hosts (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    name character varying(255) NOT NULL,
    kind character varying(16) NOT NULL,
    platform character varying(64) NOT NULL,
    observed boolean DEFAULT false NOT NULL,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT hosts_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT hosts_kind_check CHECK (((kind)::text = ANY ((ARRAY['local'::character varying, 'tree'::character varying, 'ssh'::character varying, 'declared'::character varying])::text[])))
);
ALTER TABLE ONLY public.hosts FORCE ROW LEVEL SECURITY;
CREATE TABLE public.incident_bundles (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    incident_id character varying(64) NOT NULL,
    log_index bigint NOT NULL,
    state character varying(16) NOT NULL,
    at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.incident_bundles FORCE ROW LEVEL SECURITY;
CREATE TABLE public.incident_handovers (
    id character varying(64) NOT NULL,
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    incident_id character varying(64) NOT NULL,
    at timestamp with time zone NOT NULL,
    by_user character varying(64) NOT NULL,
    by_name character varying(255) NOT NULL,
    to_user character varying(64) NOT NULL,
    to_name character varying(255) NOT NULL,
    note text NOT NULL,
    CONSTRAINT incident_handovers_id_check CHECK (((id)::text <> ''::text))
);
ALTER TABLE ONLY public.incident_handovers FORCE ROW LEVEL SECURITY;
CREATE TABLE public.incident_heals (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    incident_id character varying(64) NOT NULL,
    number integer NOT NULL,
    host_id character varying(64) NOT NULL,
    incident_type character varying(255) NOT NULL,
    runbook_id character varying(255) NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    attempted_at timestamp with time zone NOT NULL,
    healed_at timestamp with time zone NOT NULL,
    watched_until timestamp with time zone NOT NULL,
    ended character varying(16),
    ended_at timestamp with time zone,
    CONSTRAINT incident_heals_end CHECK (((ended IS NULL) = (ended_at IS NULL))),
    CONSTRAINT incident_heals_ended_check CHECK (((ended)::text = ANY ((ARRAY['stable'::character varying, 'recurred'::character varying, 'unproved'::character varying, 'undone'::character varying])::text[]))),
    CONSTRAINT incident_heals_number_check CHECK ((number >= 1)),
    CONSTRAINT incident_heals_order CHECK (((opened_at <= healed_at) AND (attempted_at <= healed_at)))
);
ALTER TABLE ONLY public.incident_heals FORCE ROW LEVEL SECURITY;
CREATE TABLE public.incidents (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    host_id character varying(64) NOT NULL,
    incident_type character varying(255) NOT NULL,
    severity character varying(16) NOT NULL,
    raw_data jsonb NOT NULL,
    pattern_signature character varying(128) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    state character varying(16) NOT NULL,
    resolution_level character varying(2),
    outcome character varying(16),
    before jsonb NOT NULL,
    after jsonb,
    decision jsonb,
    runbook jsonb,
    actions jsonb DEFAULT '[]'::jsonb NOT NULL,
    closed_at timestamp with time zone,
    epoch integer NOT NULL,
    seq bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    watch jsonb,
    CONSTRAINT incidents_check CHECK ((COALESCE(((before ->> 'check'::text) = (incident_type)::text), false) AND ((after IS NULL) OR COALESCE(((after ->> 'check'::text) = (incident_type)::text), false)))),
    CONSTRAINT incidents_closed CHECK (((closed_at IS NOT NULL) = ((state)::text = ANY ((ARRAY['healed'::character varying, 'stable'::character varying, 'resolved'::character varying])::text[])))),
    CONSTRAINT incidents_healed CHECK ((((state)::text <> ALL ((ARRAY['healed'::character varying, 'stable'::character varying])::text[])) OR COALESCE((((before ->> 'outcome'::text) = 'fail'::text) AND ((after ->> 'outcome'::text) = 'pass'::text) AND (((after ->> 'measured_at'::text) COLLATE "C") >= ((before ->> 'measured_at'::text) COLLATE "C")) AND ((decision ->> 'verdict'::text) = 'run'::text) AND (runbook IS NOT NULL) AND jsonb_path_exists(actions, '$[*]?(@."dry_run" == false && @."undone" == false)'::jsonpath)), false))),
    CONSTRAINT incidents_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT incidents_order CHECK ((closed_at >= created_at)),
    CONSTRAINT incidents_outcome CHECK ((NOT ((outcome)::text IS DISTINCT FROM
CASE state
    WHEN 'healed'::text THEN 'success'::text
    WHEN 'stable'::text THEN 'success'::text
    WHEN 'failed'::text THEN 'failed'::text
    WHEN 'escalated'::text THEN 'escalated'::text
    ELSE NULL::text
END))),
    CONSTRAINT incidents_outcome_check CHECK (((outcome)::text = ANY ((ARRAY['success'::character varying, 'failed'::character varying, 'escalated'::character varying])::text[]))),
    CONSTRAINT incidents_resolution_level_check CHECK (((resolution_level)::text = ANY ((ARRAY['L1'::character varying, 'L2'::character varying, 'L3'::character varying])::text[]))),
    CONSTRAINT incidents_resolved CHECK ((((state)::text <> 'resolved'::text) OR COALESCE(((after ->> 'outcome'::text) = ANY (ARRAY['pass'::text, 'not_applicable'::text])), false))),
    CONSTRAINT incidents_stable CHECK ((((state)::text <> 'stable'::text) OR COALESCE((((after ->> 'measured_at'::text) COLLATE "C") >= ((watch ->> 'until'::text) COLLATE "C")), false))),
    CONSTRAINT incidents_state_check CHECK (((state)::text = ANY ((ARRAY['open'::character varying, 'observing'::character varying, 'waiting'::character varying, 'healed'::character varying, 'stable'::character varying, 'resolved'::character varying, 'failed'::character varying, 'escalated'::character varying])::text[]))),
    CONSTRAINT incidents_watch CHECK (((watch IS NULL) OR COALESCE(
CASE state
    WHEN 'healed'::text THEN ((watch ->> 'ended'::text) IS NULL)
    WHEN 'stable'::text THEN ((watch ->> 'ended'::text) = 'stable'::text)
    ELSE ((watch ->> 'ended'::text) = ANY (ARRAY['recurred'::text, 'unproved'::text, 'undone'::text]))
END, false)))
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY public.incidents FORCE ROW LEVEL SECURITY;
CREATE TABLE public.installation (
    only_row boolean DEFAULT true NOT NULL,
    id character varying(64) NOT NULL,
    demo boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT installation_only_row_check CHECK (only_row)
);
CREATE TABLE public.job_heartbeats (
    name character varying(64) NOT NULL,
    interval_ms integer NOT NULL,
    beat_at timestamp with time zone NOT NULL,
    ok boolean NOT NULL,
    error text,
    CONSTRAINT job_heartbeats_check CHECK ((ok = (error IS NULL))),
    CONSTRAINT job_heartbeats_interval_ms_check CHECK ((interval_ms > 0)),
    CONSTRAINT job_heartbeats_name_check CHECK (((name)::text <> ''::text))
);
CREATE TABLE public.orders (
    id character varying(64) NOT NULL,
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    host_id character varying(64) NOT NULL,
    kind character varying(16) NOT NULL,
    incident_type character varying(255) NOT NULL,
    runbook_id character varying(255),
    incident_id character varying(64),
    approval_id character varying(64),
    hold_id character varying(64),
    status character varying(20) DEFAULT 'pending'::character varying NOT NULL,
    envelope bytea NOT NULL,
    requested_by character varying(64) NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    leased_at timestamp with time zone,
    lease_until timestamp with time zone,
    leases integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    code character varying(64),
    detail text,
    epoch bigint,
    seq bigint,
    CONSTRAINT orders_end CHECK (((completed_at IS NOT NULL) = ((status)::text = ANY ((ARRAY['succeeded'::character varying, 'failed'::character varying, 'expired'::character varying, 'lost'::character varying, 'cancelled'::character varying])::text[])))),
    CONSTRAINT orders_envelope_check CHECK ((length(envelope) <= 32768)),
    CONSTRAINT orders_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT orders_kind_check CHECK (((kind)::text = ANY ((ARRAY['run_runbook'::character varying, 'clear_hold'::character varying, 'undo_run'::character varying, 'set_hold'::character varying, 'check_again'::character varying, 'try_again'::character varying])::text[]))),
    CONSTRAINT orders_lease CHECK ((((status)::text <> ALL ((ARRAY['leased'::character varying, 'running'::character varying, 'succeeded'::character varying, 'failed'::character varying, 'lost'::character varying])::text[])) OR ((leased_at IS NOT NULL) AND (lease_until IS NOT NULL)))),
    CONSTRAINT orders_runbook CHECK ((((kind)::text = ANY ((ARRAY['check_again'::character varying, 'try_again'::character varying])::text[])) = (runbook_id IS NULL))),
    CONSTRAINT orders_status_check CHECK (((status)::text = ANY ((ARRAY['pending'::character varying, 'leased'::character varying, 'running'::character varying, 'succeeded'::character varying, 'failed'::character varying, 'expired'::character varying, 'lost'::character varying, 'cancelled'::character varying])::text[]))),
    CONSTRAINT orders_target CHECK ((((kind)::text = 'clear_hold'::text) = (hold_id IS NOT NULL))),
    CONSTRAINT orders_times CHECK ((created_at < expires_at))
);
ALTER TABLE ONLY public.orders FORCE ROW LEVEL SECURITY;
CREATE TABLE public.partners (
    id character varying(64) NOT NULL,
    name character varying(255) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT partners_id_check CHECK (((id)::text <> ''::text))
);
ALTER TABLE ONLY public.partners FORCE ROW LEVEL SECURITY;
CREATE TABLE public.pattern_runbooks (
    partner_id character varying(64) NOT NULL,
    pattern_signature character varying(128) NOT NULL,
    incident_type character varying(255) NOT NULL,
    runbook_id character varying(255) NOT NULL,
    runbook_digest character varying(64) NOT NULL,
    runbook_version character varying(128) NOT NULL,
    runs integer NOT NULL,
    watched integer NOT NULL,
    stable integer NOT NULL,
    failed integer NOT NULL,
    recurred integer NOT NULL,
    undone integer NOT NULL,
    unproved integer NOT NULL,
    occurrences integer NOT NULL,
    by_l2 integer NOT NULL,
    good bigint NOT NULL,
    everything bigint NOT NULL,
    lacking jsonb NOT NULL,
    newest_at timestamp with time zone NOT NULL,
    computed_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.pattern_runbooks FORCE ROW LEVEL SECURITY;
CREATE TABLE public.pattern_runs (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    appliance_id character varying(64) NOT NULL,
    incident_id character varying(64) NOT NULL,
    mark character varying(64) NOT NULL,
    run_id character varying(64),
    host_id character varying(64) NOT NULL,
    incident_type character varying(255) NOT NULL,
    pattern_signature character varying(128) NOT NULL,
    level character varying(16) NOT NULL,
    runbook_id character varying(255) NOT NULL,
    runbook_version character varying(128) NOT NULL,
    runbook_digest character varying(64) NOT NULL,
    promotion_id character varying(64),
    canary boolean NOT NULL,
    at timestamp with time zone NOT NULL,
    ended character varying(16),
    ended_at timestamp with time zone,
    ended_epoch integer,
    ended_seq bigint,
    ended_place integer,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT pattern_runs_end CHECK ((((ended IS NULL) = (ended_at IS NULL)) AND ((ended IS NULL) = (ended_seq IS NULL)) AND ((ended IS NULL) = (ended_epoch IS NULL)) AND ((ended IS NULL) = (ended_place IS NULL)))),
    CONSTRAINT pattern_runs_ended_check CHECK (((ended)::text = ANY ((ARRAY['stable'::character varying, 'failed'::character varying, 'recurred'::character varying, 'undone'::character varying, 'unproved'::character varying])::text[]))),
    CONSTRAINT pattern_runs_level_check CHECK (((level)::text = ANY ((ARRAY['L1'::character varying, 'L2'::character varying, 'L3'::character varying])::text[])))
);
ALTER TABLE ONLY public.pattern_runs FORCE ROW LEVEL SECURITY;
CREATE TABLE public.pattern_stats (
    partner_id character varying(64) NOT NULL,
    pattern_signature character varying(128) NOT NULL,
    incident_type character varying(255) NOT NULL,
    total_count integer DEFAULT 0 NOT NULL,
    l1_count integer DEFAULT 0 NOT NULL,
    l2_count integer DEFAULT 0 NOT NULL,
    l3_count integer DEFAULT 0 NOT NULL,
    success_count integer DEFAULT 0 NOT NULL,
    promotion_eligible boolean DEFAULT false NOT NULL,
    newest_at timestamp with time zone NOT NULL,
    computed_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.pattern_stats FORCE ROW LEVEL SECURITY;
CREATE TABLE public.policies (
    partner_id character varying(64) NOT NULL,
    id character varying(128) NOT NULL,
    body jsonb NOT NULL,
    revision bigint NOT NULL,
    created_by character varying(64) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_by character varying(64) NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT policies_id_check CHECK (((id)::text <> ''::text))
);
ALTER TABLE ONLY public.policies FORCE ROW LEVEL SECURITY;
CREATE TABLE public.policy_heads (
    partner_id character varying(64) NOT NULL,
    epoch bigint DEFAULT 1 NOT NULL,
    revision bigint DEFAULT 0 NOT NULL
);
ALTER TABLE ONLY public.policy_heads FORCE ROW LEVEL SECURITY;
CREATE TABLE public.policy_revision_counts (
    partner_id character varying(64) NOT NULL,
    revision bigint NOT NULL,
    added bigint NOT NULL,
    changed bigint NOT NULL,
    removed bigint NOT NULL
);
ALTER TABLE ONLY public.policy_revision_counts FORCE ROW LEVEL SECURITY;
CREATE TABLE public.policy_revisions (
    partner_id character varying(64) NOT NULL,
    revision bigint NOT NULL,
    author character varying(64) NOT NULL,
    reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT policy_revisions_revision_check CHECK ((revision >= 1))
);
ALTER TABLE ONLY public.policy_revisions FORCE ROW LEVEL SECURITY;
CREATE TABLE public.policy_rule_versions (
    partner_id character varying(64) NOT NULL,
    rule_id character varying(128) NOT NULL,
    revision bigint NOT NULL,
    body jsonb
);
ALTER TABLE ONLY public.policy_rule_versions FORCE ROW LEVEL SECURITY;
CREATE TABLE public.policy_runs (
    partner_id character varying(64) NOT NULL,
    id character varying(64) NOT NULL,
    site text NOT NULL,
    host text NOT NULL,
    action text NOT NULL,
    rule_id text NOT NULL,
    pct numeric NOT NULL,
    qty numeric NOT NULL,
    reserved_at timestamp with time zone NOT NULL,
    reserved_by character varying(255) NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    started_by character varying(255),
    ended_at timestamp with time zone,
    ended_by character varying(255),
    released_at timestamp with time zone,
    released_by character varying(255),
    CONSTRAINT policy_runs_action_check CHECK ((length(action) <= 128)),
    CONSTRAINT policy_runs_host_check CHECK ((length(host) <= 128)),
    CONSTRAINT policy_runs_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT policy_runs_pct_check CHECK ((pct >= (0)::numeric)),
    CONSTRAINT policy_runs_people CHECK ((((started_at IS NULL) = (started_by IS NULL)) AND ((ended_at IS NULL) = (ended_by IS NULL)) AND ((released_at IS NULL) = (released_by IS NULL)))),
    CONSTRAINT policy_runs_qty_check CHECK ((qty >= (0)::numeric)),
    CONSTRAINT policy_runs_rule_id_check CHECK ((length(rule_id) <= 128)),
    CONSTRAINT policy_runs_site_check CHECK ((length(site) <= 128)),
    CONSTRAINT policy_runs_states CHECK ((((ended_at IS NULL) OR (started_at IS NOT NULL)) AND ((released_at IS NULL) OR (started_at IS NULL)))),
    CONSTRAINT policy_runs_times CHECK ((reserved_at < expires_at))
);
ALTER TABLE ONLY public.policy_runs FORCE ROW LEVEL SECURITY;
CREATE TABLE public.promotion_ledger (
    partner_id character varying(64) NOT NULL,
    promotion_id character varying(64) NOT NULL,
    number integer NOT NULL,
    step character varying(16) NOT NULL,
    at timestamp with time zone NOT NULL,
    by_id character varying(255) NOT NULL,
    by_name character varying(255) NOT NULL,
    reason text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    site_id character varying(64),
    appliance_id character varying(64),
    CONSTRAINT promotion_ledger_number_check CHECK ((number >= 1)),
    CONSTRAINT promotion_ledger_site CHECK ((((step)::text = 'approved'::text) = (site_id IS NOT NULL))),
    CONSTRAINT promotion_ledger_step_check CHECK (((step)::text = ANY ((ARRAY['proposed'::character varying, 'evaluated'::character varying, 'approved'::character varying, 'promoted'::character varying, 'stopped'::character varying, 'demoted'::character varying, 'rejected'::character varying, 'withdrawn'::character varying])::text[]))),
    CONSTRAINT promotion_ledger_stop CHECK ((((step)::text = 'stopped'::text) = (appliance_id IS NOT NULL)))
);
ALTER TABLE ONLY public.promotion_ledger FORCE ROW LEVEL SECURITY;
CREATE TABLE public.promotions (
    partner_id character varying(64) NOT NULL,
    id character varying(64) NOT NULL,
    incident_type character varying(255) NOT NULL,
    pattern_signature character varying(128) NOT NULL,
    runbook_id character varying(255) NOT NULL,
    runbook_version character varying(128) NOT NULL,
    runbook_digest character varying(64) NOT NULL,
    inputs jsonb DEFAULT '{}'::jsonb NOT NULL,
    stage character varying(16) NOT NULL,
    canary_site_id character varying(64),
    approved_at timestamp with time zone,
    promoted_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT promotions_canary CHECK ((((stage)::text <> ALL ((ARRAY['canary'::character varying, 'promoted'::character varying])::text[])) OR ((canary_site_id IS NOT NULL) AND (approved_at IS NOT NULL)))),
    CONSTRAINT promotions_end CHECK (((ended_at IS NOT NULL) = ((stage)::text = ANY ((ARRAY['demoted'::character varying, 'rejected'::character varying, 'withdrawn'::character varying])::text[])))),
    CONSTRAINT promotions_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT promotions_stage_check CHECK (((stage)::text = ANY ((ARRAY['candidate'::character varying, 'evaluated'::character varying, 'canary'::character varying, 'promoted'::character varying, 'demoted'::character varying, 'rejected'::character varying, 'withdrawn'::character varying])::text[])))
);
ALTER TABLE ONLY public.promotions FORCE ROW LEVEL SECURITY;
CREATE TABLE public.results (
    site_id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    host_id character varying(64) NOT NULL,
    check_id character varying(255) NOT NULL,
    outcome character varying(16) NOT NULL,
    severity character varying(16) NOT NULL,
    summary text NOT NULL,
    facts jsonb NOT NULL,
    facts_digest character varying(64) NOT NULL,
    controls jsonb NOT NULL,
    log_index bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT results_outcome_check CHECK (((outcome)::text = ANY ((ARRAY['pass'::character varying, 'fail'::character varying, 'unknown'::character varying, 'not_applicable'::character varying])::text[])))
)
PARTITION BY RANGE (received_at);
ALTER TABLE ONLY public.results FORCE ROW LEVEL SECURITY;
CREATE TABLE public.results_rest (
    site_id character varying(64) CONSTRAINT results_site_id_not_null NOT NULL,
    partner_id character varying(64) CONSTRAINT results_partner_id_not_null NOT NULL,
    host_id character varying(64) CONSTRAINT results_host_id_not_null NOT NULL,
    check_id character varying(255) CONSTRAINT results_check_id_not_null NOT NULL,
    outcome character varying(16) CONSTRAINT results_outcome_not_null NOT NULL,
    severity character varying(16) CONSTRAINT results_severity_not_null NOT NULL,
    summary text CONSTRAINT results_summary_not_null NOT NULL,
    facts jsonb CONSTRAINT results_facts_not_null NOT NULL,
    facts_digest character varying(64) CONSTRAINT results_facts_digest_not_null NOT NULL,
    controls jsonb CONSTRAINT results_controls_not_null NOT NULL,
    log_index bigint CONSTRAINT results_log_index_not_null NOT NULL,
    effective_at timestamp with time zone CONSTRAINT results_effective_at_not_null NOT NULL,
    received_at timestamp with time zone CONSTRAINT results_received_at_not_null NOT NULL,
    CONSTRAINT results_outcome_check CHECK (((outcome)::text = ANY ((ARRAY['pass'::character varying, 'fail'::character varying, 'unknown'::character varying, 'not_applicable'::character varying])::text[])))
);
ALTER TABLE ONLY public.results_rest FORCE ROW LEVEL SECURITY;
CREATE TABLE public.rule_uses (
    partner_id character varying(64) NOT NULL,
    rule_id text NOT NULL,
    last_decided_at timestamp with time zone NOT NULL,
    decided bigint NOT NULL,
    ran bigint NOT NULL,
    CONSTRAINT rule_uses_check CHECK (((ran >= 0) AND (ran <= decided))),
    CONSTRAINT rule_uses_decided_check CHECK ((decided >= 1)),
    CONSTRAINT rule_uses_rule_id_check CHECK ((length(rule_id) <= 128))
);
ALTER TABLE ONLY public.rule_uses FORCE ROW LEVEL SECURITY;
CREATE TABLE public.rule_uses_added (
    partner_id character varying(64) NOT NULL,
    id bigint NOT NULL,
    rule_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    decided integer NOT NULL,
    ran integer NOT NULL,
    CONSTRAINT rule_uses_added_check CHECK (((ran >= 0) AND (ran <= decided))),
    CONSTRAINT rule_uses_added_decided_check CHECK ((decided >= 1)),
    CONSTRAINT rule_uses_added_rule_id_check CHECK ((length(rule_id) <= 128))
);
ALTER TABLE ONLY public.rule_uses_added FORCE ROW LEVEL SECURITY;
ALTER TABLE public.rule_uses_added ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rule_uses_added_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.rule_uses_by_call (
    partner_id character varying(64) NOT NULL,
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    rule_ids text[] NOT NULL,
    decided integer[] NOT NULL,
    ran integer[] NOT NULL,
    CONSTRAINT rule_uses_by_call_check CHECK ((((cardinality(rule_ids) >= 1) AND (cardinality(rule_ids) <= 1000)) AND (cardinality(decided) = cardinality(rule_ids)) AND (cardinality(ran) = cardinality(rule_ids)) AND (1 <= ALL (decided)) AND (0 <= ALL (ran))))
);
ALTER TABLE ONLY public.rule_uses_by_call FORCE ROW LEVEL SECURITY;
ALTER TABLE public.rule_uses_by_call ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rule_uses_by_call_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.schema_migrations (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.sessions (
    id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    user_id character varying(64) NOT NULL,
    kind character varying(16) DEFAULT 'browser'::character varying NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT sessions_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT sessions_kind_check CHECK (((kind)::text = ANY ((ARRAY['browser'::character varying, 'local'::character varying])::text[])))
);
ALTER TABLE ONLY public.sessions FORCE ROW LEVEL SECURITY;
CREATE TABLE public.sign_in_sources (
    partner_id character varying(64) NOT NULL,
    user_id character varying(64) NOT NULL,
    kind character varying(16) NOT NULL,
    source bytea NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    paused_until timestamp with time zone,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT sign_in_sources_kind_check CHECK (((kind)::text = ANY ((ARRAY['device'::character varying, 'address'::character varying, 'session'::character varying, 'anywhere'::character varying])::text[]))),
    CONSTRAINT sign_in_sources_source_check CHECK ((length(source) = 32))
);
ALTER TABLE ONLY public.sign_in_sources FORCE ROW LEVEL SECURITY;
CREATE TABLE public.sites (
    id character varying(64) NOT NULL,
    name character varying(255) NOT NULL,
    partner_id character varying(64) NOT NULL,
    zone character varying(64) NOT NULL,
    opening_hours jsonb DEFAULT '[]'::jsonb NOT NULL,
    healing character varying(16) DEFAULT 'observe'::character varying NOT NULL,
    settings_revision bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sites_healing_check CHECK (((healing)::text = ANY ((ARRAY['observe'::character varying, 'heal'::character varying])::text[]))),
    CONSTRAINT sites_id_check CHECK (((id)::text <> ''::text))
);
ALTER TABLE ONLY public.sites FORCE ROW LEVEL SECURITY;
CREATE VIEW public.site_accepted WITH (security_invoker='true') AS
 SELECT id AS site_id,
    partner_id,
    ( SELECT count(*) AS count
           FROM public.deviation_standings d
          WHERE (((d.site_id)::text = (s.id)::text) AND (d.standing = 'accepted'::text))) AS accepted
   FROM public.sites s;
CREATE VIEW public.site_posture WITH (security_invoker='true') AS
 SELECT s.id AS site_id,
    s.partner_id,
    h.hosts,
    r.measured_hosts,
    r.passed,
    r.failed,
    r.unknown,
    r.not_applicable,
    r.patching_status,
    r.backup_status,
    r.encryption_status
   FROM ((public.sites s
     CROSS JOIN LATERAL ( SELECT count(*) AS hosts
           FROM public.hosts
          WHERE ((hosts.site_id)::text = (s.id)::text)) h)
     CROSS JOIN LATERAL ( SELECT count(*) FILTER (WHERE ((latest_results.outcome)::text = 'pass'::text)) AS passed,
            count(*) FILTER (WHERE ((latest_results.outcome)::text = 'fail'::text)) AS failed,
            count(*) FILTER (WHERE ((latest_results.outcome)::text = 'unknown'::text)) AS unknown,
            count(*) FILTER (WHERE ((latest_results.outcome)::text = 'not_applicable'::text)) AS not_applicable,
            count(DISTINCT latest_results.host_id) FILTER (WHERE (((latest_results.outcome)::text = 'pass'::text) OR ((latest_results.outcome)::text = 'fail'::text))) AS measured_hosts,
            bool_and(((latest_results.outcome)::text = 'pass'::text)) FILTER (WHERE (((latest_results.check_id)::text = 'patching'::text) AND (((latest_results.outcome)::text = 'pass'::text) OR ((latest_results.outcome)::text = 'fail'::text)))) AS patching_status,
            bool_and(((latest_results.outcome)::text = 'pass'::text)) FILTER (WHERE (((latest_results.check_id)::text = 'backup'::text) AND (((latest_results.outcome)::text = 'pass'::text) OR ((latest_results.outcome)::text = 'fail'::text)))) AS backup_status,
            bool_and(((latest_results.outcome)::text = 'pass'::text)) FILTER (WHERE (((latest_results.check_id)::text = 'disk_encryption'::text) AND (((latest_results.outcome)::text = 'pass'::text) OR ((latest_results.outcome)::text = 'fail'::text)))) AS encryption_status
           FROM public.latest_results
          WHERE ((latest_results.site_id)::text = (s.id)::text)) r);
CREATE TABLE public.socket_tickets (
    partner_id character varying(64) NOT NULL,
    user_id character varying(64) NOT NULL,
    session_id character varying(64) NOT NULL,
    token_hash bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT socket_tickets_token_hash_check CHECK ((length(token_hash) = 32))
);
ALTER TABLE ONLY public.socket_tickets FORCE ROW LEVEL SECURITY;
CREATE TABLE public.users (
    id character varying(64) NOT NULL,
    partner_id character varying(64) NOT NULL,
    email character varying(254) NOT NULL,
    name character varying(255) NOT NULL,
    role character varying(16) NOT NULL,
    password_hash text NOT NULL,
    must_change_password boolean DEFAULT false NOT NULL,
    disabled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_id_check CHECK (((id)::text <> ''::text)),
    CONSTRAINT users_role_check CHECK (((role)::text = ANY ((ARRAY['owner'::character varying, 'manager'::character varying, 'operator'::character varying, 'reader'::character varying, 'auditor'::character varying])::text[])))
);
ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.results ATTACH PARTITION public.results_rest DEFAULT;
ALTER TABLE ONLY public.appliance_keys
    ADD CONSTRAINT appliance_keys_pkey PRIMARY KEY (site_id, appliance_id, epoch);
ALTER TABLE ONLY public.appliances
    ADD CONSTRAINT appliances_credential_hash_key UNIQUE (credential_hash);
ALTER TABLE ONLY public.appliances
    ADD CONSTRAINT appliances_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.appliances
    ADD CONSTRAINT appliances_site_id_id_key UNIQUE (site_id, id);
ALTER TABLE ONLY public.approval_votes
    ADD CONSTRAINT approval_votes_pkey PRIMARY KEY (site_id, approval_id, user_id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_site_id_id_key UNIQUE (site_id, id);
ALTER TABLE ONLY public.audit_log_alarms
    ADD CONSTRAINT audit_log_alarms_pkey PRIMARY KEY (partner_id, generation);
ALTER TABLE ONLY public.audit_log_checkpoints
    ADD CONSTRAINT audit_log_checkpoints_pkey PRIMARY KEY (partner_id, generation, size);
ALTER TABLE ONLY public.audit_log_entries
    ADD CONSTRAINT audit_log_entries_partner_id_record_id_key UNIQUE (partner_id, record_id);
ALTER TABLE ONLY public.audit_log_entries
    ADD CONSTRAINT audit_log_entries_pkey PRIMARY KEY (partner_id, generation, seq);
ALTER TABLE ONLY public.audit_log_heads
    ADD CONSTRAINT audit_log_heads_pkey PRIMARY KEY (partner_id);
ALTER TABLE ONLY public.audit_log_nodes
    ADD CONSTRAINT audit_log_nodes_pkey PRIMARY KEY (partner_id, generation, level, node_index);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log_waiting
    ADD CONSTRAINT audit_log_waiting_pkey PRIMARY KEY (partner_id, id);
ALTER TABLE ONLY public.brake_runs
    ADD CONSTRAINT brake_runs_pkey PRIMARY KEY (site_id, run_id, kind);
ALTER TABLE ONLY public.brake_stops
    ADD CONSTRAINT brake_stops_pkey PRIMARY KEY (partner_id, id);
ALTER TABLE ONLY public.change_log
    ADD CONSTRAINT change_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.compliance_snapshots
    ADD CONSTRAINT compliance_snapshots_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.decision_answers
    ADD CONSTRAINT decision_answers_pkey PRIMARY KEY (partner_id, asked_by, key);
ALTER TABLE ONLY public.decisions_kept
    ADD CONSTRAINT decisions_kept_pkey PRIMARY KEY (partner_id, id);
ALTER TABLE ONLY public.deviation_events
    ADD CONSTRAINT deviation_events_pkey PRIMARY KEY (site_id, id);
ALTER TABLE ONLY public.deviation_hosts
    ADD CONSTRAINT deviation_hosts_pkey PRIMARY KEY (site_id, deviation_id, host_id);
ALTER TABLE ONLY public.deviations
    ADD CONSTRAINT deviations_pkey PRIMARY KEY (site_id, id);
ALTER TABLE ONLY public.enrolment_tokens
    ADD CONSTRAINT enrolment_tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.evidence_alarms
    ADD CONSTRAINT evidence_alarms_pkey PRIMARY KEY (site_id, generation);
ALTER TABLE ONLY public.evidence_bundles
    ADD CONSTRAINT evidence_bundles_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.evidence_bundles
    ADD CONSTRAINT evidence_bundles_site_id_generation_log_index_key UNIQUE (site_id, generation, log_index);
ALTER TABLE ONLY public.evidence_checkpoints
    ADD CONSTRAINT evidence_checkpoints_pkey PRIMARY KEY (site_id, generation, size);
ALTER TABLE ONLY public.evidence_cosignatures
    ADD CONSTRAINT evidence_cosignatures_pkey PRIMARY KEY (site_id, generation, size, appliance_id);
ALTER TABLE ONLY public.evidence_log_entries
    ADD CONSTRAINT evidence_log_entries_pkey PRIMARY KEY (site_id, generation, log_index);
ALTER TABLE ONLY public.evidence_log_heads
    ADD CONSTRAINT evidence_log_heads_pkey PRIMARY KEY (site_id);
ALTER TABLE ONLY public.evidence_log_nodes
    ADD CONSTRAINT evidence_log_nodes_pkey PRIMARY KEY (site_id, generation, level, node_index);
ALTER TABLE ONLY public.evidence_streams
    ADD CONSTRAINT evidence_streams_pkey PRIMARY KEY (site_id, appliance_id, epoch);
ALTER TABLE ONLY public.flap_suppressions
    ADD CONSTRAINT flap_suppressions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.flap_suppressions
    ADD CONSTRAINT flap_suppressions_site_id_host_id_incident_type_runbook_id__key UNIQUE (site_id, host_id, incident_type, runbook_id, suppressed_at);
ALTER TABLE ONLY public.freeze_confirmations
    ADD CONSTRAINT freeze_confirmations_pkey PRIMARY KEY (site_id, appliance_id, freeze_id);
ALTER TABLE ONLY public.freezes
    ADD CONSTRAINT freezes_partner_id_id_key UNIQUE (partner_id, id);
ALTER TABLE ONLY public.freezes
    ADD CONSTRAINT freezes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_pkey PRIMARY KEY (site_id, id);
ALTER TABLE ONLY public.incident_bundles
    ADD CONSTRAINT incident_bundles_pkey PRIMARY KEY (site_id, incident_id, log_index);
ALTER TABLE ONLY public.incident_handovers
    ADD CONSTRAINT incident_handovers_pkey PRIMARY KEY (site_id, id);
ALTER TABLE ONLY public.incident_heals
    ADD CONSTRAINT incident_heals_pkey PRIMARY KEY (site_id, incident_id, number);
ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_pkey PRIMARY KEY (site_id, id);
ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY public.job_heartbeats
    ADD CONSTRAINT job_heartbeats_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.latest_results
    ADD CONSTRAINT latest_results_pkey PRIMARY KEY (site_id, host_id, check_id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_site_id_id_key UNIQUE (site_id, id);
ALTER TABLE ONLY public.partners
    ADD CONSTRAINT partners_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pattern_runbooks
    ADD CONSTRAINT pattern_runbooks_pkey PRIMARY KEY (partner_id, pattern_signature, incident_type, runbook_id, runbook_digest);
ALTER TABLE ONLY public.pattern_runs
    ADD CONSTRAINT pattern_runs_pkey PRIMARY KEY (site_id, incident_id, mark);
ALTER TABLE ONLY public.pattern_stats
    ADD CONSTRAINT pattern_stats_pkey PRIMARY KEY (partner_id, pattern_signature, incident_type);
ALTER TABLE ONLY public.policies
    ADD CONSTRAINT policies_pkey PRIMARY KEY (partner_id, id);
ALTER TABLE ONLY public.policy_heads
    ADD CONSTRAINT policy_heads_pkey PRIMARY KEY (partner_id);
ALTER TABLE ONLY public.policy_revision_counts
    ADD CONSTRAINT policy_revision_counts_pkey PRIMARY KEY (partner_id, revision);
ALTER TABLE ONLY public.policy_revisions
    ADD CONSTRAINT policy_revisions_pkey PRIMARY KEY (partner_id, revision);
ALTER TABLE ONLY public.policy_rule_versions
    ADD CONSTRAINT policy_rule_versions_pkey PRIMARY KEY (partner_id, rule_id, revision);
ALTER TABLE ONLY public.policy_runs
    ADD CONSTRAINT policy_runs_pkey PRIMARY KEY (partner_id, id);
ALTER TABLE ONLY public.promotion_ledger
    ADD CONSTRAINT promotion_ledger_pkey PRIMARY KEY (partner_id, promotion_id, number);
ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT promotions_pkey PRIMARY KEY (partner_id, id);
ALTER TABLE ONLY public.rule_uses_added
    ADD CONSTRAINT rule_uses_added_pkey PRIMARY KEY (partner_id, id);
ALTER TABLE ONLY public.rule_uses_by_call
    ADD CONSTRAINT rule_uses_by_call_pkey PRIMARY KEY (partner_id, id);
ALTER TABLE ONLY public.rule_uses
    ADD CONSTRAINT rule_uses_pkey PRIMARY KEY (partner_id, rule_id);
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_name_key UNIQUE (name);
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.sign_in_sources
    ADD CONSTRAINT sign_in_sources_pkey PRIMARY KEY (partner_id, user_id, kind, source);
ALTER TABLE ONLY public.sites
    ADD CONSTRAINT sites_id_partner_id_key UNIQUE (id, partner_id);
ALTER TABLE ONLY public.sites
    ADD CONSTRAINT sites_partner_id_name_key UNIQUE (partner_id, name);
ALTER TABLE ONLY public.sites
    ADD CONSTRAINT sites_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.socket_tickets
    ADD CONSTRAINT socket_tickets_pkey PRIMARY KEY (partner_id, token_hash);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_partner_id_id_key UNIQUE (partner_id, id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX idx_approvals_expiry ON public.approvals USING btree (expires_at) WHERE ((status)::text = 'pending'::text);
CREATE INDEX idx_approvals_incident ON public.approvals USING btree (site_id, incident_id, created_at);
CREATE INDEX idx_approvals_partner ON public.approvals USING btree (partner_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX idx_approvals_pending ON public.approvals USING btree (site_id, incident_id) WHERE ((status)::text = 'pending'::text);
CREATE INDEX idx_audit_log_actor ON public.audit_log USING btree (partner_id, actor_id, at);
CREATE INDEX idx_audit_log_entries_action ON public.audit_log_entries USING btree (partner_id, action, seq);
CREATE INDEX idx_audit_log_entries_actor ON public.audit_log_entries USING btree (partner_id, actor_id, seq);
CREATE INDEX idx_audit_log_entries_at ON public.audit_log_entries USING btree (partner_id, at);
CREATE INDEX idx_audit_log_entries_site ON public.audit_log_entries USING btree (partner_id, site_id, seq);
CREATE INDEX idx_audit_log_entries_subject ON public.audit_log_entries USING btree (partner_id, subject, seq);
CREATE INDEX idx_audit_log_partner ON public.audit_log USING btree (partner_id, id);
CREATE INDEX idx_brake_runs_ended ON public.brake_runs USING btree (ended_at);
CREATE INDEX idx_brake_runs_received ON public.brake_runs USING btree (received_at);
CREATE INDEX idx_brake_runs_version ON public.brake_runs USING btree (partner_id, kind, name, version, ended_at);
CREATE INDEX idx_brake_runs_wrong ON public.brake_runs USING btree (partner_id, kind, name, version, ended_at) WHERE wrong;
CREATE INDEX idx_brake_stops_everywhere ON public.brake_stops USING btree (partner_id, released_at DESC, id DESC) WHERE (appliance_id IS NULL);
CREATE UNIQUE INDEX idx_brake_stops_in_force ON public.brake_stops USING btree (partner_id, kind, name, version) WHERE ((appliance_id IS NULL) AND (released_at IS NULL));
CREATE INDEX idx_brake_stops_newest ON public.brake_stops USING btree (partner_id, stopped_at DESC, id DESC);
CREATE INDEX idx_brake_stops_there ON public.brake_stops USING btree (site_id, appliance_id, released_at DESC, id DESC) WHERE (appliance_id IS NOT NULL);
CREATE UNIQUE INDEX idx_brake_stops_told ON public.brake_stops USING btree (site_id, appliance_id, told_id) WHERE (appliance_id IS NOT NULL);
CREATE INDEX idx_change_log_partner ON public.change_log USING btree (partner_id, tx, id);
CREATE INDEX idx_change_log_tail ON public.change_log USING btree (tx, id);
CREATE UNIQUE INDEX idx_compliance_snapshots_site ON public.compliance_snapshots USING btree (site_id, snapshot_at);
CREATE INDEX idx_decision_answers_age ON public.decision_answers USING btree (answered_at);
CREATE INDEX idx_decisions_kept_age ON public.decisions_kept USING btree (at);
CREATE INDEX idx_deviation_events_site ON public.deviation_events USING btree (site_id, deviation_id, id);
CREATE INDEX idx_deviation_events_told ON public.deviation_events USING btree (site_id) WHERE ((kind)::text = ANY (ARRAY['accepted'::text, 'renewed'::text, 'revoked'::text, 'replaced'::text, 'expired'::text]));
CREATE UNIQUE INDEX idx_deviation_hosts_in_force ON public.deviation_hosts USING btree (site_id, host_id, check_id) WHERE (ended_at IS NULL);
CREATE INDEX idx_deviation_hosts_partner ON public.deviation_hosts USING btree (partner_id) WHERE (ended_at IS NULL);
CREATE INDEX idx_deviations_in_force ON public.deviations USING btree (until) WHERE (ended_at IS NULL);
CREATE INDEX idx_deviations_newest ON public.deviations USING btree (partner_id, accepted_at DESC, id DESC);
CREATE INDEX idx_deviations_newest_in_force ON public.deviations USING btree (partner_id, accepted_at DESC, id DESC) WHERE (ended_at IS NULL);
CREATE INDEX idx_enrolment_tokens_site ON public.enrolment_tokens USING btree (site_id, created_at);
CREATE UNIQUE INDEX idx_evidence_bundles_equivocation ON public.evidence_bundles USING btree (site_id, appliance_id, epoch, seq, bundle_hash) WHERE equivocates;
CREATE INDEX idx_evidence_bundles_partner ON public.evidence_bundles USING btree (partner_id);
CREATE UNIQUE INDEX idx_evidence_bundles_stream ON public.evidence_bundles USING btree (site_id, appliance_id, epoch, seq) WHERE (NOT equivocates);
CREATE UNIQUE INDEX idx_flap_suppressions_active ON public.flap_suppressions USING btree (site_id, host_id, incident_type, runbook_id) WHERE (cleared_at IS NULL);
CREATE INDEX idx_flap_suppressions_partner ON public.flap_suppressions USING btree (partner_id, suppressed_at DESC, id DESC);
CREATE INDEX idx_freeze_confirmations_held ON public.freeze_confirmations USING btree (partner_id, freeze_id) WHERE (released_at IS NULL);
CREATE INDEX idx_freezes_newest ON public.freezes USING btree (partner_id, frozen_at DESC, id DESC);
CREATE INDEX idx_freezes_ordered ON public.freezes USING btree (partner_id, site_id) INCLUDE (lifted_at) WHERE (appliance_id IS NULL);
CREATE UNIQUE INDEX idx_freezes_partner_in_force ON public.freezes USING btree (partner_id) WHERE ((site_id IS NULL) AND (lifted_at IS NULL));
CREATE INDEX idx_freezes_place ON public.freezes USING btree (partner_id, site_id);
CREATE UNIQUE INDEX idx_freezes_site_in_force ON public.freezes USING btree (site_id) WHERE ((appliance_id IS NULL) AND (lifted_at IS NULL));
CREATE UNIQUE INDEX idx_freezes_told ON public.freezes USING btree (site_id, appliance_id, frozen_at) WHERE (appliance_id IS NOT NULL);
CREATE INDEX idx_incident_handovers ON public.incident_handovers USING btree (site_id, incident_id, at DESC, id DESC);
CREATE INDEX idx_incident_heals_partner ON public.incident_heals USING btree (partner_id, healed_at);
CREATE INDEX idx_incident_heals_site ON public.incident_heals USING btree (site_id, healed_at);
CREATE INDEX idx_incidents_partner ON public.incidents USING btree (partner_id, created_at DESC, id);
CREATE INDEX idx_incidents_pattern ON public.incidents USING btree (site_id, pattern_signature);
CREATE INDEX idx_incidents_site ON public.incidents USING btree (site_id, created_at DESC);
CREATE INDEX idx_incidents_type ON public.incidents USING btree (site_id, incident_type);
CREATE INDEX idx_latest_results_partner ON public.latest_results USING btree (partner_id, outcome);
CREATE INDEX idx_orders_approval ON public.orders USING btree (site_id, approval_id) WHERE (approval_id IS NOT NULL);
CREATE UNIQUE INDEX idx_orders_check_again ON public.orders USING btree (site_id, host_id, incident_type) WHERE (((kind)::text = 'check_again'::text) AND (completed_at IS NULL));
CREATE UNIQUE INDEX idx_orders_hold ON public.orders USING btree (site_id, hold_id) WHERE (((kind)::text = 'clear_hold'::text) AND (completed_at IS NULL));
CREATE UNIQUE INDEX idx_orders_incident ON public.orders USING btree (site_id, incident_id) WHERE (((kind)::text = 'run_runbook'::text) AND (completed_at IS NULL));
CREATE INDEX idx_orders_leased ON public.orders USING btree (appliance_id, lease_until) WHERE ((status)::text = 'leased'::text);
CREATE INDEX idx_orders_live ON public.orders USING btree (expires_at) WHERE (completed_at IS NULL);
CREATE INDEX idx_orders_of_hold ON public.orders USING btree (site_id, hold_id, created_at) WHERE (hold_id IS NOT NULL);
CREATE INDEX idx_orders_partner ON public.orders USING btree (partner_id, created_at DESC, id DESC);
CREATE INDEX idx_orders_pending ON public.orders USING btree (appliance_id, status) WHERE ((status)::text = 'pending'::text);
CREATE UNIQUE INDEX idx_orders_set_hold ON public.orders USING btree (site_id, host_id, incident_type, runbook_id) WHERE (((kind)::text = 'set_hold'::text) AND (completed_at IS NULL));
CREATE INDEX idx_orders_site ON public.orders USING btree (site_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX idx_orders_try_again ON public.orders USING btree (site_id, incident_id) WHERE (((kind)::text = 'try_again'::text) AND (completed_at IS NULL));
CREATE UNIQUE INDEX idx_orders_undo ON public.orders USING btree (site_id, incident_id) WHERE (((kind)::text = 'undo_run'::text) AND (completed_at IS NULL));
CREATE INDEX idx_pattern_runs_at ON public.pattern_runs USING btree (at);
CREATE INDEX idx_pattern_runs_changed ON public.pattern_runs USING btree (changed_at);
CREATE INDEX idx_pattern_runs_partner ON public.pattern_runs USING btree (partner_id, pattern_signature, at);
CREATE INDEX idx_pattern_runs_promotion ON public.pattern_runs USING btree (partner_id, promotion_id) WHERE (promotion_id IS NOT NULL);
CREATE INDEX idx_pattern_runs_run ON public.pattern_runs USING btree (site_id, run_id) WHERE (run_id IS NOT NULL);
CREATE INDEX idx_pattern_stats_total ON public.pattern_stats USING btree (partner_id, total_count DESC, pattern_signature);
CREATE INDEX idx_policy_rule_versions_revision ON public.policy_rule_versions USING btree (partner_id, revision);
CREATE INDEX idx_policy_runs_age ON public.policy_runs USING btree (reserved_at);
CREATE INDEX idx_policy_runs_host ON public.policy_runs USING btree (partner_id, site, host, action, reserved_at) WHERE (released_at IS NULL);
CREATE INDEX idx_policy_runs_rule ON public.policy_runs USING btree (partner_id, site, rule_id, reserved_at) WHERE (released_at IS NULL);
CREATE INDEX idx_promotion_ledger_told ON public.promotion_ledger USING btree (partner_id) WHERE ((step)::text = ANY (ARRAY['approved'::text, 'promoted'::text, 'stopped'::text, 'demoted'::text]));
CREATE INDEX idx_promotions_newest ON public.promotions USING btree (partner_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX idx_promotions_standing ON public.promotions USING btree (partner_id, incident_type, pattern_signature) WHERE (ended_at IS NULL);
CREATE INDEX idx_results_latest ON ONLY public.results USING btree (site_id, host_id, check_id, effective_at);
CREATE INDEX idx_results_partner ON ONLY public.results USING btree (partner_id, received_at);
CREATE INDEX idx_sessions_user ON public.sessions USING btree (user_id);
CREATE INDEX idx_socket_tickets_hash ON public.socket_tickets USING btree (token_hash);
CREATE INDEX idx_socket_tickets_user ON public.socket_tickets USING btree (partner_id, user_id);
CREATE UNIQUE INDEX idx_users_email ON public.users USING btree (lower((email)::text));
CREATE INDEX results_rest_partner_id_received_at_idx ON public.results_rest USING btree (partner_id, received_at);
CREATE INDEX results_rest_site_id_host_id_check_id_effective_at_idx ON public.results_rest USING btree (site_id, host_id, check_id, effective_at);
ALTER INDEX public.idx_results_partner ATTACH PARTITION public.results_rest_partner_id_received_at_idx;
ALTER INDEX public.idx_results_latest ATTACH PARTITION public.results_rest_site_id_host_id_check_id_effective_at_idx;
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.approval_votes FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.audit_log_checkpoints FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.audit_log_entries FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.audit_log_nodes FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.change_log FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.compliance_snapshots FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.deviation_events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.evidence_bundles FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.evidence_checkpoints FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.evidence_cosignatures FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.evidence_log_entries FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.evidence_log_nodes FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.incident_bundles FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.incident_handovers FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.policy_revisions FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.policy_rule_versions FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.promotion_ledger FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON public.results FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.approval_votes FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.audit_log_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.audit_log_entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.audit_log_nodes FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.change_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.compliance_snapshots FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.deviation_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.evidence_bundles FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.evidence_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.evidence_cosignatures FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.evidence_log_entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.evidence_log_nodes FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.incident_bundles FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.incident_handovers FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.policy_revisions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.policy_rule_versions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.promotion_ledger FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.results FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER count_changes AFTER INSERT ON public.policy_rule_versions REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION public.count_policy_changes();
CREATE TRIGGER queue_record AFTER INSERT ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.queue_audit_record();
ALTER TABLE ONLY public.appliance_keys
    ADD CONSTRAINT appliance_keys_site_id_appliance_id_fkey FOREIGN KEY (site_id, appliance_id) REFERENCES public.appliances(site_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.appliance_keys
    ADD CONSTRAINT appliance_keys_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.appliances
    ADD CONSTRAINT appliances_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.approval_votes
    ADD CONSTRAINT approval_votes_site_id_approval_id_fkey FOREIGN KEY (site_id, approval_id) REFERENCES public.approvals(site_id, id);
ALTER TABLE ONLY public.approval_votes
    ADD CONSTRAINT approval_votes_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_site_id_appliance_id_fkey FOREIGN KEY (site_id, appliance_id) REFERENCES public.appliances(site_id, id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.brake_runs
    ADD CONSTRAINT brake_runs_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.brake_stops
    ADD CONSTRAINT brake_stops_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.brake_stops
    ADD CONSTRAINT brake_stops_site_id_appliance_id_fkey FOREIGN KEY (site_id, appliance_id) REFERENCES public.appliances(site_id, id);
ALTER TABLE ONLY public.brake_stops
    ADD CONSTRAINT brake_stops_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.compliance_snapshots
    ADD CONSTRAINT compliance_snapshots_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.decision_answers
    ADD CONSTRAINT decision_answers_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.decisions_kept
    ADD CONSTRAINT decisions_kept_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.deviation_events
    ADD CONSTRAINT deviation_events_site_id_deviation_id_fkey FOREIGN KEY (site_id, deviation_id) REFERENCES public.deviations(site_id, id);
ALTER TABLE ONLY public.deviation_events
    ADD CONSTRAINT deviation_events_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.deviation_hosts
    ADD CONSTRAINT deviation_hosts_site_id_deviation_id_fkey FOREIGN KEY (site_id, deviation_id) REFERENCES public.deviations(site_id, id);
ALTER TABLE ONLY public.deviation_hosts
    ADD CONSTRAINT deviation_hosts_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.deviations
    ADD CONSTRAINT deviations_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.enrolment_tokens
    ADD CONSTRAINT enrolment_tokens_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.evidence_alarms
    ADD CONSTRAINT evidence_alarms_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.evidence_checkpoints
    ADD CONSTRAINT evidence_checkpoints_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.evidence_cosignatures
    ADD CONSTRAINT evidence_cosignatures_site_id_generation_size_fkey FOREIGN KEY (site_id, generation, size) REFERENCES public.evidence_checkpoints(site_id, generation, size);
ALTER TABLE ONLY public.evidence_log_heads
    ADD CONSTRAINT evidence_log_heads_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.evidence_streams
    ADD CONSTRAINT evidence_streams_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.flap_suppressions
    ADD CONSTRAINT flap_suppressions_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.freeze_confirmations
    ADD CONSTRAINT freeze_confirmations_partner_id_freeze_id_fkey FOREIGN KEY (partner_id, freeze_id) REFERENCES public.freezes(partner_id, id);
ALTER TABLE ONLY public.freeze_confirmations
    ADD CONSTRAINT freeze_confirmations_site_id_appliance_id_fkey FOREIGN KEY (site_id, appliance_id) REFERENCES public.appliances(site_id, id);
ALTER TABLE ONLY public.freeze_confirmations
    ADD CONSTRAINT freeze_confirmations_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.freezes
    ADD CONSTRAINT freezes_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.freezes
    ADD CONSTRAINT freezes_site_id_appliance_id_fkey FOREIGN KEY (site_id, appliance_id) REFERENCES public.appliances(site_id, id);
ALTER TABLE ONLY public.freezes
    ADD CONSTRAINT freezes_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_site_id_appliance_id_fkey FOREIGN KEY (site_id, appliance_id) REFERENCES public.appliances(site_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.incident_handovers
    ADD CONSTRAINT incident_handovers_partner_id_by_user_fkey FOREIGN KEY (partner_id, by_user) REFERENCES public.users(partner_id, id);
ALTER TABLE ONLY public.incident_handovers
    ADD CONSTRAINT incident_handovers_partner_id_to_user_fkey FOREIGN KEY (partner_id, to_user) REFERENCES public.users(partner_id, id);
ALTER TABLE ONLY public.incident_handovers
    ADD CONSTRAINT incident_handovers_site_id_incident_id_fkey FOREIGN KEY (site_id, incident_id) REFERENCES public.incidents(site_id, id);
ALTER TABLE ONLY public.incident_handovers
    ADD CONSTRAINT incident_handovers_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_site_id_appliance_id_fkey FOREIGN KEY (site_id, appliance_id) REFERENCES public.appliances(site_id, id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.pattern_runbooks
    ADD CONSTRAINT pattern_runbooks_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.pattern_stats
    ADD CONSTRAINT pattern_stats_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.policies
    ADD CONSTRAINT policies_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.policy_heads
    ADD CONSTRAINT policy_heads_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.policy_revision_counts
    ADD CONSTRAINT policy_revision_counts_partner_id_revision_fkey FOREIGN KEY (partner_id, revision) REFERENCES public.policy_revisions(partner_id, revision);
ALTER TABLE ONLY public.policy_revisions
    ADD CONSTRAINT policy_revisions_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.policy_rule_versions
    ADD CONSTRAINT policy_rule_versions_partner_id_revision_fkey FOREIGN KEY (partner_id, revision) REFERENCES public.policy_revisions(partner_id, revision);
ALTER TABLE ONLY public.policy_runs
    ADD CONSTRAINT policy_runs_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.promotion_ledger
    ADD CONSTRAINT promotion_ledger_partner_id_promotion_id_fkey FOREIGN KEY (partner_id, promotion_id) REFERENCES public.promotions(partner_id, id);
ALTER TABLE ONLY public.promotion_ledger
    ADD CONSTRAINT promotion_ledger_site_id_partner_id_fkey FOREIGN KEY (site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT promotions_canary_site_id_partner_id_fkey FOREIGN KEY (canary_site_id, partner_id) REFERENCES public.sites(id, partner_id);
ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT promotions_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.rule_uses_added
    ADD CONSTRAINT rule_uses_added_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.rule_uses_by_call
    ADD CONSTRAINT rule_uses_by_call_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.rule_uses
    ADD CONSTRAINT rule_uses_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);
ALTER TABLE ONLY public.sign_in_sources
    ADD CONSTRAINT sign_in_sources_partner_id_user_id_fkey FOREIGN KEY (partner_id, user_id) REFERENCES public.users(partner_id, id);
ALTER TABLE ONLY public.sites
    ADD CONSTRAINT sites_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE ONLY public.socket_tickets
    ADD CONSTRAINT socket_tickets_partner_id_user_id_fkey FOREIGN KEY (partner_id, user_id) REFERENCES public.users(partner_id, id);
ALTER TABLE ONLY public.socket_tickets
    ADD CONSTRAINT socket_tickets_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.sessions(id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id);
ALTER TABLE public.appliance_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.appliances ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.approval_votes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log_alarms ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log_checkpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log_nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log_waiting ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.brake_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.brake_stops ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.change_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.compliance_snapshots ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.decision_answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.decisions_kept ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.deviation_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.deviation_hosts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.deviations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.enrolment_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.evidence_alarms ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.evidence_bundles ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.evidence_checkpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.evidence_cosignatures ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.evidence_log_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.evidence_log_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.evidence_log_nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.evidence_streams ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.flap_suppressions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.freeze_confirmations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.freezes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.hosts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.incident_bundles ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.incident_handovers ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.incident_heals ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.incidents ENABLE ROW LEVEL SECURITY;
CREATE POLICY jobs ON public.appliances TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.approvals TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.audit_log TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.audit_log_alarms TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.audit_log_checkpoints TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.audit_log_entries TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.audit_log_heads TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.audit_log_nodes TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.audit_log_waiting TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.brake_runs TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.brake_stops TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.change_log TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.compliance_snapshots TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.decision_answers TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.decisions_kept TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.deviation_events TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.deviation_hosts TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.deviations TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.evidence_alarms TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.evidence_checkpoints TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.evidence_log_entries TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.evidence_log_heads TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.evidence_log_nodes TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.freezes TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.hosts TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.incidents TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.latest_results TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.orders TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.pattern_runbooks TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.pattern_runs TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.pattern_stats TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.policy_heads TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.policy_runs TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.promotion_ledger TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.promotions TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.rule_uses TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.rule_uses_added TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.rule_uses_by_call TO wardline_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON public.sites TO wardline_jobs USING (true) WITH CHECK (true);
ALTER TABLE public.latest_results ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_site ON public.brake_stops FOR SELECT TO wardline_app USING ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id IS NULL) OR ((site_id)::text = ( SELECT public.scope_site() AS scope_site)))));
CREATE POLICY own_site ON public.deviation_events FOR SELECT TO wardline_app USING ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id)::text = ( SELECT public.scope_site() AS scope_site))));
CREATE POLICY own_site ON public.deviation_hosts FOR SELECT TO wardline_app USING ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id)::text = ( SELECT public.scope_site() AS scope_site))));
CREATE POLICY own_site ON public.deviations FOR SELECT TO wardline_app USING ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id)::text = ( SELECT public.scope_site() AS scope_site))));
CREATE POLICY own_site ON public.freezes FOR SELECT TO wardline_app USING ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id IS NULL) OR ((site_id)::text = ( SELECT public.scope_site() AS scope_site)))));
CREATE POLICY own_site ON public.policies FOR SELECT TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)));
CREATE POLICY own_site ON public.policy_heads FOR SELECT TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)));
CREATE POLICY own_site ON public.promotion_ledger FOR SELECT TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)));
CREATE POLICY own_site ON public.promotions FOR SELECT TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)));
CREATE POLICY own_site_insert ON public.brake_stops FOR INSERT TO wardline_app WITH CHECK ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND (appliance_id IS NOT NULL)));
CREATE POLICY own_site_insert ON public.freezes FOR INSERT TO wardline_app WITH CHECK ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND (appliance_id IS NOT NULL)));
CREATE POLICY own_site_update ON public.brake_stops FOR UPDATE TO wardline_app USING ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND (appliance_id IS NOT NULL))) WITH CHECK ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND (appliance_id IS NOT NULL)));
CREATE POLICY own_site_update ON public.freezes FOR UPDATE TO wardline_app USING ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND (appliance_id IS NOT NULL))) WITH CHECK ((((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)) AND ((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND (appliance_id IS NOT NULL)));
ALTER TABLE public.partners ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.pattern_runbooks ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.pattern_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.pattern_stats ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.policy_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.policy_revision_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.policy_revisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.policy_rule_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.policy_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.promotion_ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.promotions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.results ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.results_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.rule_uses ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.rule_uses_added ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.rule_uses_by_call ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sign_in_sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sites ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.socket_tickets ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.appliance_keys TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.appliances TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.approval_votes TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.approvals TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.audit_log TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)) AND ((site_id IS NULL) OR (EXISTS ( SELECT
   FROM public.sites s
  WHERE (((s.id)::text = (audit_log.site_id)::text) AND ((s.partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))))))));
CREATE POLICY tenant ON public.audit_log_alarms TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.audit_log_checkpoints TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.audit_log_entries FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.audit_log_heads TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.audit_log_nodes TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.audit_log_waiting TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.brake_runs FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.brake_stops TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.change_log TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)) AND ((site_id IS NULL) OR (EXISTS ( SELECT
   FROM public.sites s
  WHERE (((s.id)::text = (change_log.site_id)::text) AND ((s.partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))))))));
CREATE POLICY tenant ON public.compliance_snapshots FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.decision_answers TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.decisions_kept TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.deviation_events TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.deviation_hosts TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.deviations TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.enrolment_tokens TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.evidence_alarms FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.evidence_bundles FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.evidence_checkpoints FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.evidence_cosignatures FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.evidence_log_entries FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.evidence_log_heads FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.evidence_log_nodes FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.evidence_streams FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.flap_suppressions FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.freeze_confirmations FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.freezes TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.hosts TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.incident_bundles FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.incident_handovers TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.incident_heals FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.incidents FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.latest_results FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.orders TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)))) WITH CHECK (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.partners TO wardline_app USING (((id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.pattern_runbooks TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.pattern_runs FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.pattern_stats TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.policies TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.policy_heads TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.policy_revision_counts TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.policy_revisions TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.policy_rule_versions TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.policy_runs TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.promotion_ledger TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.promotions TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.results FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.results_rest FOR SELECT TO wardline_app USING (((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))) OR ((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))));
CREATE POLICY tenant ON public.rule_uses TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.rule_uses_added TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.rule_uses_by_call TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.sessions TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.sign_in_sources TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.sites TO wardline_app USING ((((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)) OR (((id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.socket_tickets TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant ON public.users TO wardline_app USING (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner))) WITH CHECK (((partner_id)::text = ( SELECT public.scope_partner() AS scope_partner)));
CREATE POLICY tenant_insert ON public.audit_log_entries FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.brake_runs FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.compliance_snapshots FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.evidence_alarms FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.evidence_bundles FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.evidence_checkpoints FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.evidence_cosignatures FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.evidence_log_entries FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.evidence_log_heads FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.evidence_log_nodes FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.evidence_streams FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.flap_suppressions FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.freeze_confirmations FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.incident_bundles FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.incident_heals FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.incidents FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.latest_results FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.pattern_runs FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.results FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_insert ON public.results_rest FOR INSERT TO wardline_app WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.audit_log_entries FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.brake_runs FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.compliance_snapshots FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.evidence_alarms FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.evidence_bundles FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.evidence_checkpoints FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.evidence_cosignatures FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.evidence_log_entries FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.evidence_log_heads FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.evidence_log_nodes FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.evidence_streams FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.flap_suppressions FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.freeze_confirmations FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.incident_bundles FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.incident_heals FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.incidents FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.latest_results FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.pattern_runs FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.results FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
CREATE POLICY tenant_update ON public.results_rest FOR UPDATE TO wardline_app USING ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner)))) WITH CHECK ((((site_id)::text = ( SELECT public.scope_site() AS scope_site)) AND ((partner_id)::text = ( SELECT public.scope_site_partner() AS scope_site_partner))));
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO wardline_app;
GRANT USAGE ON SCHEMA public TO wardline_jobs;
REVOKE ALL ON FUNCTION public.count_policy_changes() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.credential_appliance(given_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.credential_appliance(given_hash bytea) TO wardline_app;
REVOKE ALL ON FUNCTION public.credential_enrolment(given_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.credential_enrolment(given_id text) TO wardline_app;
REVOKE ALL ON FUNCTION public.credential_session(given_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.credential_session(given_hash bytea) TO wardline_app;
REVOKE ALL ON FUNCTION public.credential_ticket(given_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.credential_ticket(given_hash bytea) TO wardline_app;
REVOKE ALL ON FUNCTION public.credential_user(given_email text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.credential_user(given_email text) TO wardline_app;
REVOKE ALL ON FUNCTION public.is_frozen(of_partner text, of_site text, of_appliance text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_frozen(of_partner text, of_site text, of_appliance text) TO wardline_app;
GRANT ALL ON FUNCTION public.is_frozen(of_partner text, of_site text, of_appliance text) TO wardline_jobs;
REVOKE ALL ON FUNCTION public.make_append_only(target regclass) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.make_results_month(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_results_month(day date) TO wardline_jobs;
REVOKE ALL ON FUNCTION public.open_to_jobs(target regclass) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.protect_table(target regclass, shape text) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.queue_audit_record() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.scope_site_had_rule(rule text, version text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.scope_site_had_rule(rule text, version text) TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.appliance_keys TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.appliances TO wardline_app;
GRANT SELECT(id) ON TABLE public.appliances TO wardline_jobs;
GRANT SELECT(site_id) ON TABLE public.appliances TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.appliances TO wardline_jobs;
GRANT SELECT(is_online),UPDATE(is_online) ON TABLE public.appliances TO wardline_jobs;
GRANT SELECT(last_checkin) ON TABLE public.appliances TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.approval_votes TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.approvals TO wardline_app;
GRANT SELECT(id) ON TABLE public.approvals TO wardline_jobs;
GRANT SELECT(site_id) ON TABLE public.approvals TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.approvals TO wardline_jobs;
GRANT UPDATE(status) ON TABLE public.approvals TO wardline_app;
GRANT SELECT(status),UPDATE(status) ON TABLE public.approvals TO wardline_jobs;
GRANT SELECT(expires_at) ON TABLE public.approvals TO wardline_jobs;
GRANT UPDATE(closed_at) ON TABLE public.approvals TO wardline_app;
GRANT UPDATE(closed_at) ON TABLE public.approvals TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.audit_log TO wardline_app;
GRANT SELECT ON TABLE public.audit_log TO wardline_jobs;
GRANT SELECT ON TABLE public.audit_log_alarms TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.audit_log_alarms TO wardline_jobs;
GRANT SELECT ON TABLE public.audit_log_checkpoints TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.audit_log_checkpoints TO wardline_jobs;
GRANT SELECT ON TABLE public.audit_log_entries TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.audit_log_entries TO wardline_jobs;
GRANT SELECT ON TABLE public.audit_log_heads TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.audit_log_heads TO wardline_jobs;
GRANT SELECT ON TABLE public.audit_log_nodes TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.audit_log_nodes TO wardline_jobs;
GRANT SELECT ON TABLE public.audit_log_waiting TO wardline_app;
GRANT SELECT,DELETE ON TABLE public.audit_log_waiting TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.brake_runs TO wardline_app;
GRANT SELECT,DELETE ON TABLE public.brake_runs TO wardline_jobs;
GRANT UPDATE(ended_at) ON TABLE public.brake_runs TO wardline_app;
GRANT UPDATE(received_at) ON TABLE public.brake_runs TO wardline_app;
GRANT UPDATE(wrong) ON TABLE public.brake_runs TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.brake_stops TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.brake_stops TO wardline_jobs;
GRANT UPDATE(released_at) ON TABLE public.brake_stops TO wardline_app;
GRANT UPDATE(released_by) ON TABLE public.brake_stops TO wardline_app;
GRANT UPDATE(released_by_name) ON TABLE public.brake_stops TO wardline_app;
GRANT UPDATE(release_reason) ON TABLE public.brake_stops TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.change_log TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.change_log TO wardline_jobs;
GRANT SELECT ON TABLE public.compliance_snapshots TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.compliance_snapshots TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.decision_answers TO wardline_app;
GRANT DELETE ON TABLE public.decision_answers TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.decision_answers TO wardline_jobs;
GRANT SELECT(asked_by) ON TABLE public.decision_answers TO wardline_jobs;
GRANT SELECT(key) ON TABLE public.decision_answers TO wardline_jobs;
GRANT UPDATE(digest) ON TABLE public.decision_answers TO wardline_app;
GRANT UPDATE(answer) ON TABLE public.decision_answers TO wardline_app;
GRANT UPDATE(answered_at) ON TABLE public.decision_answers TO wardline_app;
GRANT SELECT(answered_at) ON TABLE public.decision_answers TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.decisions_kept TO wardline_app;
GRANT DELETE ON TABLE public.decisions_kept TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.decisions_kept TO wardline_jobs;
GRANT SELECT(id) ON TABLE public.decisions_kept TO wardline_jobs;
GRANT SELECT(at) ON TABLE public.decisions_kept TO wardline_jobs;
GRANT SELECT(decisions) ON TABLE public.decisions_kept TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.deviation_events TO wardline_app;
GRANT INSERT ON TABLE public.deviation_events TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.deviation_hosts TO wardline_app;
GRANT SELECT(site_id) ON TABLE public.deviation_hosts TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.deviation_hosts TO wardline_jobs;
GRANT SELECT(deviation_id) ON TABLE public.deviation_hosts TO wardline_jobs;
GRANT SELECT(host_id) ON TABLE public.deviation_hosts TO wardline_jobs;
GRANT SELECT(check_id) ON TABLE public.deviation_hosts TO wardline_jobs;
GRANT SELECT(facts_digest) ON TABLE public.deviation_hosts TO wardline_jobs;
GRANT SELECT(severity) ON TABLE public.deviation_hosts TO wardline_jobs;
GRANT SELECT(standing),UPDATE(standing) ON TABLE public.deviation_hosts TO wardline_jobs;
GRANT UPDATE(ended_at) ON TABLE public.deviation_hosts TO wardline_app;
GRANT SELECT(ended_at),UPDATE(ended_at) ON TABLE public.deviation_hosts TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.deviations TO wardline_app;
GRANT SELECT(site_id) ON TABLE public.deviations TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.deviations TO wardline_jobs;
GRANT SELECT(id) ON TABLE public.deviations TO wardline_jobs;
GRANT UPDATE(until) ON TABLE public.deviations TO wardline_app;
GRANT SELECT(until) ON TABLE public.deviations TO wardline_jobs;
GRANT UPDATE(owner) ON TABLE public.deviations TO wardline_app;
GRANT UPDATE(control) ON TABLE public.deviations TO wardline_app;
GRANT UPDATE(ended_at) ON TABLE public.deviations TO wardline_app;
GRANT SELECT(ended_at),UPDATE(ended_at) ON TABLE public.deviations TO wardline_jobs;
GRANT UPDATE(ended_why) ON TABLE public.deviations TO wardline_app;
GRANT UPDATE(ended_why) ON TABLE public.deviations TO wardline_jobs;
GRANT SELECT,INSERT,UPDATE ON TABLE public.latest_results TO wardline_app;
GRANT SELECT(site_id) ON TABLE public.latest_results TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.latest_results TO wardline_jobs;
GRANT SELECT(host_id) ON TABLE public.latest_results TO wardline_jobs;
GRANT SELECT(check_id) ON TABLE public.latest_results TO wardline_jobs;
GRANT SELECT(outcome) ON TABLE public.latest_results TO wardline_jobs;
GRANT SELECT(severity) ON TABLE public.latest_results TO wardline_jobs;
GRANT SELECT(facts_digest) ON TABLE public.latest_results TO wardline_jobs;
GRANT SELECT ON TABLE public.deviation_standings TO wardline_app;
GRANT SELECT ON TABLE public.deviation_standings TO wardline_jobs;
GRANT SELECT,INSERT,UPDATE ON TABLE public.enrolment_tokens TO wardline_app;
GRANT SELECT ON TABLE public.evidence_alarms TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.evidence_alarms TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.evidence_bundles TO wardline_app;
GRANT SELECT ON TABLE public.evidence_checkpoints TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.evidence_checkpoints TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.evidence_cosignatures TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.evidence_log_entries TO wardline_app;
GRANT SELECT ON TABLE public.evidence_log_entries TO wardline_jobs;
GRANT SELECT,INSERT,UPDATE ON TABLE public.evidence_log_heads TO wardline_app;
GRANT SELECT ON TABLE public.evidence_log_heads TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.evidence_log_nodes TO wardline_app;
GRANT SELECT ON TABLE public.evidence_log_nodes TO wardline_jobs;
GRANT SELECT,INSERT,UPDATE ON TABLE public.evidence_streams TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.flap_suppressions TO wardline_app;
GRANT UPDATE(incident_id) ON TABLE public.flap_suppressions TO wardline_app;
GRANT UPDATE(cleared_at) ON TABLE public.flap_suppressions TO wardline_app;
GRANT UPDATE(cleared_by) ON TABLE public.flap_suppressions TO wardline_app;
GRANT UPDATE(clear_reason) ON TABLE public.flap_suppressions TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.freeze_confirmations TO wardline_app;
GRANT UPDATE(confirmed_at) ON TABLE public.freeze_confirmations TO wardline_app;
GRANT UPDATE(released_at) ON TABLE public.freeze_confirmations TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.freezes TO wardline_app;
GRANT SELECT(id) ON TABLE public.freezes TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.freezes TO wardline_jobs;
GRANT SELECT(site_id) ON TABLE public.freezes TO wardline_jobs;
GRANT SELECT(appliance_id) ON TABLE public.freezes TO wardline_jobs;
GRANT UPDATE(lifted_at) ON TABLE public.freezes TO wardline_app;
GRANT SELECT(lifted_at) ON TABLE public.freezes TO wardline_jobs;
GRANT UPDATE(lifted_by) ON TABLE public.freezes TO wardline_app;
GRANT UPDATE(lifted_by_name) ON TABLE public.freezes TO wardline_app;
GRANT UPDATE(lift_reason) ON TABLE public.freezes TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.hosts TO wardline_app;
GRANT SELECT(site_id) ON TABLE public.hosts TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.hosts TO wardline_jobs;
GRANT SELECT(id) ON TABLE public.hosts TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.incident_bundles TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.incident_handovers TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.incident_heals TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.incidents TO wardline_app;
GRANT SELECT(site_id) ON TABLE public.incidents TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.incidents TO wardline_jobs;
GRANT SELECT(id) ON TABLE public.incidents TO wardline_jobs;
GRANT SELECT(incident_type) ON TABLE public.incidents TO wardline_jobs;
GRANT SELECT(pattern_signature) ON TABLE public.incidents TO wardline_jobs;
GRANT SELECT(created_at) ON TABLE public.incidents TO wardline_jobs;
GRANT SELECT(state) ON TABLE public.incidents TO wardline_jobs;
GRANT SELECT(resolution_level) ON TABLE public.incidents TO wardline_jobs;
GRANT SELECT ON TABLE public.installation TO wardline_app;
GRANT SELECT ON TABLE public.installation TO wardline_jobs;
GRANT SELECT ON TABLE public.job_heartbeats TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.job_heartbeats TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.orders TO wardline_app;
GRANT SELECT(id) ON TABLE public.orders TO wardline_jobs;
GRANT SELECT(site_id) ON TABLE public.orders TO wardline_jobs;
GRANT SELECT(partner_id) ON TABLE public.orders TO wardline_jobs;
GRANT SELECT(appliance_id) ON TABLE public.orders TO wardline_jobs;
GRANT SELECT(kind) ON TABLE public.orders TO wardline_jobs;
GRANT UPDATE(status) ON TABLE public.orders TO wardline_app;
GRANT SELECT(status),UPDATE(status) ON TABLE public.orders TO wardline_jobs;
GRANT SELECT(expires_at) ON TABLE public.orders TO wardline_jobs;
GRANT UPDATE(leased_at) ON TABLE public.orders TO wardline_app;
GRANT UPDATE(lease_until) ON TABLE public.orders TO wardline_app;
GRANT SELECT(lease_until) ON TABLE public.orders TO wardline_jobs;
GRANT UPDATE(leases) ON TABLE public.orders TO wardline_app;
GRANT UPDATE(started_at) ON TABLE public.orders TO wardline_app;
GRANT SELECT(started_at) ON TABLE public.orders TO wardline_jobs;
GRANT UPDATE(completed_at) ON TABLE public.orders TO wardline_app;
GRANT SELECT(completed_at),UPDATE(completed_at) ON TABLE public.orders TO wardline_jobs;
GRANT UPDATE(code) ON TABLE public.orders TO wardline_app;
GRANT UPDATE(code) ON TABLE public.orders TO wardline_jobs;
GRANT UPDATE(detail) ON TABLE public.orders TO wardline_app;
GRANT UPDATE(detail) ON TABLE public.orders TO wardline_jobs;
GRANT UPDATE(epoch) ON TABLE public.orders TO wardline_app;
GRANT UPDATE(seq) ON TABLE public.orders TO wardline_app;
GRANT SELECT,UPDATE ON TABLE public.partners TO wardline_app;
GRANT SELECT ON TABLE public.pattern_runbooks TO wardline_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pattern_runbooks TO wardline_jobs;
GRANT SELECT,INSERT,UPDATE ON TABLE public.pattern_runs TO wardline_app;
GRANT SELECT,DELETE ON TABLE public.pattern_runs TO wardline_jobs;
GRANT SELECT ON TABLE public.pattern_stats TO wardline_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pattern_stats TO wardline_jobs;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.policies TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.policy_heads TO wardline_app;
GRANT SELECT ON TABLE public.policy_heads TO wardline_jobs;
GRANT SELECT ON TABLE public.policy_revision_counts TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.policy_revisions TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.policy_rule_versions TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.policy_runs TO wardline_app;
GRANT SELECT,DELETE ON TABLE public.policy_runs TO wardline_jobs;
GRANT UPDATE(started_at) ON TABLE public.policy_runs TO wardline_app;
GRANT UPDATE(started_by) ON TABLE public.policy_runs TO wardline_app;
GRANT UPDATE(ended_at) ON TABLE public.policy_runs TO wardline_app;
GRANT UPDATE(ended_by) ON TABLE public.policy_runs TO wardline_app;
GRANT UPDATE(released_at) ON TABLE public.policy_runs TO wardline_app;
GRANT UPDATE(released_by) ON TABLE public.policy_runs TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.promotion_ledger TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.promotion_ledger TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.promotions TO wardline_app;
GRANT SELECT,INSERT ON TABLE public.promotions TO wardline_jobs;
GRANT UPDATE(inputs) ON TABLE public.promotions TO wardline_app;
GRANT UPDATE(inputs) ON TABLE public.promotions TO wardline_jobs;
GRANT UPDATE(stage) ON TABLE public.promotions TO wardline_app;
GRANT UPDATE(stage) ON TABLE public.promotions TO wardline_jobs;
GRANT UPDATE(canary_site_id) ON TABLE public.promotions TO wardline_app;
GRANT UPDATE(canary_site_id) ON TABLE public.promotions TO wardline_jobs;
GRANT UPDATE(approved_at) ON TABLE public.promotions TO wardline_app;
GRANT UPDATE(approved_at) ON TABLE public.promotions TO wardline_jobs;
GRANT UPDATE(promoted_at) ON TABLE public.promotions TO wardline_app;
GRANT UPDATE(promoted_at) ON TABLE public.promotions TO wardline_jobs;
GRANT UPDATE(changed_at) ON TABLE public.promotions TO wardline_app;
GRANT UPDATE(changed_at) ON TABLE public.promotions TO wardline_jobs;
GRANT UPDATE(ended_at) ON TABLE public.promotions TO wardline_app;
GRANT UPDATE(ended_at) ON TABLE public.promotions TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.results TO wardline_app;
GRANT SELECT ON TABLE public.rule_uses TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.rule_uses TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.rule_uses_added TO wardline_app;
GRANT SELECT,DELETE ON TABLE public.rule_uses_added TO wardline_jobs;
GRANT SELECT,INSERT ON TABLE public.rule_uses_by_call TO wardline_app;
GRANT SELECT,DELETE ON TABLE public.rule_uses_by_call TO wardline_jobs;
GRANT SELECT,INSERT,UPDATE ON TABLE public.sessions TO wardline_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sign_in_sources TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.sites TO wardline_app;
GRANT SELECT ON TABLE public.sites TO wardline_jobs;
GRANT SELECT ON TABLE public.site_accepted TO wardline_app;
GRANT SELECT ON TABLE public.site_accepted TO wardline_jobs;
GRANT SELECT ON TABLE public.site_posture TO wardline_app;
GRANT SELECT ON TABLE public.site_posture TO wardline_jobs;
GRANT SELECT,INSERT,DELETE ON TABLE public.socket_tickets TO wardline_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.users TO wardline_app;
