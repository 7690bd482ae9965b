-- Looking a credential up before there is a scope: each function answers exactly one question.
-- They run as the owner, who bypasses row security; only the application role may call them. What
-- they read is named in full and pg_temp is searched last, so that no caller's table stands in.

CREATE OR REPLACE FUNCTION credential_user(given_email TEXT)
RETURNS TABLE (id VARCHAR, partner_id VARCHAR, password_hash TEXT, disabled_at TIMESTAMPTZ)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT u.id, u.partner_id, u.password_hash, u.disabled_at
  FROM public.users u WHERE lower(u.email) = lower(given_email)
$$;

CREATE OR REPLACE FUNCTION credential_session(given_hash BYTEA)
RETURNS TABLE (session_id VARCHAR, kind VARCHAR, user_id VARCHAR, partner_id VARCHAR,
               role VARCHAR, email VARCHAR, name VARCHAR, must_change_password BOOLEAN,
               last_seen_at TIMESTAMPTZ)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT s.id, s.kind, u.id, u.partner_id, u.role, u.email, u.name, u.must_change_password,
         s.last_seen_at
  FROM public.sessions s JOIN public.users u ON u.id = s.user_id AND u.partner_id = s.partner_id
  WHERE s.token_hash = given_hash AND s.revoked_at IS NULL AND s.expires_at > now()
    AND u.disabled_at IS NULL
$$;

CREATE OR REPLACE FUNCTION credential_appliance(given_hash BYTEA)
RETURNS TABLE (appliance_id VARCHAR, site_id VARCHAR, partner_id VARCHAR, epoch INTEGER)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT a.id, a.site_id, a.partner_id, a.epoch
  FROM public.appliances a WHERE a.credential_hash = given_hash AND a.retired_at IS NULL
$$;

CREATE OR REPLACE FUNCTION credential_enrolment(given_id TEXT)
RETURNS TABLE (id VARCHAR, site_id VARCHAR, partner_id VARCHAR, secret_hash BYTEA,
               expires_at TIMESTAMPTZ, used_at TIMESTAMPTZ)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT t.id, t.site_id, t.partner_id, t.secret_hash, t.expires_at, t.used_at
  FROM public.enrolment_tokens t WHERE t.id = given_id
$$;

REVOKE EXECUTE ON FUNCTION credential_user(TEXT), credential_session(BYTEA),
  credential_appliance(BYTEA), credential_enrolment(TEXT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION credential_user(TEXT), credential_session(BYTEA),
  credential_appliance(BYTEA), credential_enrolment(TEXT) TO wardline_app;
