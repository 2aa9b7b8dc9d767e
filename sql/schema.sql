-- The truth: which files the source has, which mirrors there are, and which of them has what.
-- This is the complete schema of the version that it inserts into schema_version; it goes into the schema `mirror`, which is the
-- whole search_path when it is created. Older databases reach it through
-- sql/migrations. Every constraint that an administrator can meet has a name of its own; lib/db/mirror/constraints.cc puts it into
-- words.

CREATE TABLE schema_version (
  version integer PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  -- The oldest programs that work with this version, by the version that they know; NULL: those of this one.
  oldest_program integer,
  CONSTRAINT schema_version_oldest_program CHECK (oldest_program BETWEEN 1 AND version)
);
INSERT INTO schema_version (version) VALUES (32);

-- One row per merge. Numbers come from the sequence inside the merge lock, so commit order is rev order; a rollback skips one.
-- The token tells a replica whether the database it sees is the one it has followed.
CREATE SEQUENCE revision_seq;
CREATE TABLE revision (
  rev bigint PRIMARY KEY,
  token uuid NOT NULL DEFAULT gen_random_uuid(),
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT revision_range CHECK (rev BETWEEN 0 AND 1152921504606846976)
);
-- One that was made up would stand above all later merges, which replicas then never saw. The bounds of this and of other
-- columns are core/limits.h's; what is within them every reader can read.
CREATE FUNCTION check_revision() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.rev > coalesce(pg_sequence_last_value(format('%I.revision_seq', TG_TABLE_SCHEMA)::regclass), 0) THEN
    RAISE EXCEPTION 'revision % was not given out by revision_seq', NEW.rev USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER revision_known BEFORE INSERT OR UPDATE ON revision FOR EACH ROW EXECUTE FUNCTION check_revision();

-- Replicas listen: each merge and each change of the mirrors wakes them.
CREATE FUNCTION notify_replicas() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY mirror_feed; RETURN NULL; END $$;
CREATE TRIGGER revision_notify AFTER INSERT ON revision FOR EACH STATEMENT EXECUTE FUNCTION notify_replicas();

-- Which URLs a mirror may have, exactly as lib/core/url.cc says it: t/db/urls_test.cc compares the two.
CREATE FUNCTION is_host_and_port(authority text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT (port ~ '^(:(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))?$' AND CASE
    WHEN host LIKE '[%' THEN
      host ~ '^\[(([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?)\]$'
      AND (host NOT LIKE '%::%' OR cardinality(array_remove(string_to_array(btrim(host, '[]'), ':'), '')) <= 7)
    WHEN octet_length(host) > 253 THEN false
    WHEN name ~ '(^|\.)([0-9]+|0[xX][0-9A-Fa-f]*)$' THEN
      name ~ '^(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}$'
    ELSE name ~ '^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$'
  END) IS TRUE
  FROM (SELECT coalesce(substring(authority FROM '^\[[^]]*\]'), substring(authority FROM '^[^:]*')) AS host) AS h,
    LATERAL (SELECT substr(authority, length(host) + 1) AS port, regexp_replace(host, '\.$', '') AS name) AS p
$$;
-- The URL of a folder, which files' paths are put behind: `scheme` is http, https or ftp.
CREATE FUNCTION is_mirror_url(url text, scheme text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT (octet_length(url) <= 2048 AND starts_with(url, scheme || '://')
    AND is_host_and_port(substring(url FROM '^[a-z]+://([^/?#]*)'))
    AND url ~ '^[a-z]+://[^/?#]*/(([A-Za-z0-9._~!$&''()*+,;=:@/-]|%[0-9A-Fa-f]{2})*/)?$'
    AND url !~* '%00|/([.]|%2e){1,2}/') IS TRUE
$$;
CREATE FUNCTION is_rsync_url(url text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT (octet_length(url) <= 2048 AND url ~ '^rsync://[^/]*/+[^/]' AND url !~ '[\u0001-\u001f\u007f]'
    AND url ~ '^rsync://([^-:@/\u0020][^:@/\u0020]*@)?[^@/]*/'
    AND is_host_and_port(substring(url FROM '^rsync://(?:[^@/]*@)?([^@/]*)/'))) IS TRUE
$$;
-- A page for people.
CREATE FUNCTION is_page_url(url text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT (octet_length(url) <= 2048 AND url ~ '^https?://[^/?#]' AND url !~ '[\u0001-\u0020\u007f]'
    AND is_host_and_port(substring(url FROM '^https?://([^/?#]*)'))) IS TRUE
$$;

-- Ids are never reused: cohorts and replicas may hold an old one for a while.
CREATE TABLE mirror (
  id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identifier text NOT NULL,
  http_url text NOT NULL DEFAULT '',
  https_url text NOT NULL DEFAULT '',
  ftp_url text NOT NULL DEFAULT '',
  strip_prefix text NOT NULL DEFAULT '',
  add_prefix text NOT NULL DEFAULT '',
  enabled boolean NOT NULL DEFAULT false,
  online boolean NOT NULL DEFAULT true,
  weight integer NOT NULL DEFAULT 100,
  country text NOT NULL DEFAULT '',
  region text NOT NULL DEFAULT '',
  subdivision text NOT NULL DEFAULT '',
  latitude double precision,
  longitude double precision,
  asn bigint NOT NULL DEFAULT 0,
  prefix_only boolean NOT NULL DEFAULT false,
  as_only boolean NOT NULL DEFAULT false,
  country_only boolean NOT NULL DEFAULT false,
  region_only boolean NOT NULL DEFAULT false,
  other_countries text[] NOT NULL DEFAULT '{}',
  excluded_countries text[] NOT NULL DEFAULT '{}',
  ipv4 boolean NOT NULL DEFAULT true,
  ipv6 boolean NOT NULL DEFAULT false,
  file_maxsize bigint NOT NULL DEFAULT 0,
  operator_name text NOT NULL DEFAULT '',
  operator_url text NOT NULL DEFAULT '',
  admin_name text NOT NULL DEFAULT '',
  admin_email text NOT NULL DEFAULT '',
  public_note text NOT NULL DEFAULT '',
  private_comment text NOT NULL DEFAULT '',
  keeps_times boolean NOT NULL DEFAULT false,
  keeps_times_share double precision,
  last_scan timestamptz,
  down text[] NOT NULL DEFAULT '{}',
  down_reason text NOT NULL DEFAULT '',
  standing text NOT NULL DEFAULT 'good',
  standing_since timestamptz NOT NULL DEFAULT now(),
  standing_reason text NOT NULL DEFAULT '',
  time_offset_s integer NOT NULL DEFAULT 0,
  max_mbit integer NOT NULL DEFAULT 0,
  places text[] NOT NULL DEFAULT '{}',
  stamp_path text NOT NULL DEFAULT '',
  max_age text NOT NULL DEFAULT '',
  scan_interval text NOT NULL DEFAULT '',
  scan_hours text NOT NULL DEFAULT '',
  CONSTRAINT mirror_identifier_unique UNIQUE (identifier),
  CONSTRAINT mirror_identifier_shape CHECK (identifier ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
  CONSTRAINT mirror_url_needed CHECK (http_url <> '' OR https_url <> ''),
  CONSTRAINT mirror_http_url_shape CHECK (http_url = '' OR is_mirror_url(http_url, 'http')),
  CONSTRAINT mirror_https_url_shape CHECK (https_url = '' OR is_mirror_url(https_url, 'https')),
  CONSTRAINT mirror_ftp_url_shape CHECK (ftp_url = '' OR is_mirror_url(ftp_url, 'ftp')),
  CONSTRAINT mirror_operator_url_shape CHECK (operator_url = '' OR is_page_url(operator_url)),
  CONSTRAINT mirror_strip_prefix_shape CHECK (strip_prefix !~ '^/|/$|//|(^|/)[.]{1,2}(/|$)|[[:cntrl:]]'),
  CONSTRAINT mirror_add_prefix_shape CHECK (add_prefix !~ '^/|/$|//|(^|/)[.]{1,2}(/|$)|[[:cntrl:]]'),
  CONSTRAINT mirror_weight_range CHECK (weight BETWEEN 0 AND 1000000),
  CONSTRAINT mirror_country_code CHECK (country ~ '^([A-Z]{2}|[*][*])?$'),
  CONSTRAINT mirror_region_code CHECK (region IN ('', 'AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA')),
  CONSTRAINT mirror_subdivision_code CHECK (subdivision ~ '^([A-Z0-9]{1,3})?$'),
  CONSTRAINT mirror_latitude_range CHECK (latitude BETWEEN -90 AND 90),
  CONSTRAINT mirror_longitude_range CHECK (longitude BETWEEN -180 AND 180),
  CONSTRAINT mirror_place_complete CHECK ((latitude IS NULL) = (longitude IS NULL)),
  CONSTRAINT mirror_asn_range CHECK (asn BETWEEN 0 AND 4294967295),
  CONSTRAINT mirror_other_countries_codes CHECK (other_countries::text ~ '^[{]([A-Z]{2}(,[A-Z]{2})*)?[}]$'),
  CONSTRAINT mirror_excluded_countries_codes CHECK (excluded_countries::text ~ '^[{]([A-Z]{2}(,[A-Z]{2})*)?[}]$'),
  CONSTRAINT mirror_file_maxsize_range CHECK (file_maxsize >= 0),
  CONSTRAINT mirror_operator_name_shape CHECK (operator_name !~ '[[:cntrl:]]'),
  CONSTRAINT mirror_admin_email_shape CHECK (admin_email ~ '^([^[:space:][:cntrl:]@]+@[^[:space:][:cntrl:]@]+)?$'),
  CONSTRAINT mirror_last_scan_range CHECK (last_scan BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  CONSTRAINT mirror_keeps_times_share_range CHECK (keeps_times_share BETWEEN 0 AND 1),
  CONSTRAINT mirror_time_offset_range CHECK (time_offset_s BETWEEN -50400 AND 50400 AND time_offset_s % 900 = 0),
  CONSTRAINT mirror_down_known CHECK (down <@ ARRAY['http/ipv4', 'http/ipv6', 'https/ipv4', 'https/ipv6']),
  CONSTRAINT mirror_standing_known CHECK (standing IN ('good', 'stale', 'wrong', 'returning')),
  CONSTRAINT mirror_standing_since_range CHECK (standing_since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  CONSTRAINT mirror_standing_reason_shape CHECK (octet_length(standing_reason) <= 500 AND standing_reason !~ '[[:cntrl:]]'),
  CONSTRAINT mirror_max_mbit_range CHECK (max_mbit BETWEEN 0 AND 10000000),
  CONSTRAINT mirror_places_shape CHECK (cardinality(places) <= 200 AND
    places::text ~ '^[{](-?[0-9]{1,3}([.][0-9]{1,20})?/-?[0-9]{1,3}([.][0-9]{1,20})?/[A-Z]{2}(,|(?=[}])))*[}]$'),
  CONSTRAINT mirror_stamp_path_shape CHECK (octet_length(stamp_path) <= 1024 AND
    stamp_path !~ '^/|/$|//|(^|/)[.]{1,2}(/|$)|[[:cntrl:]]'),
  CONSTRAINT mirror_max_age_shape CHECK (max_age ~ '^(never|[0-9]{1,4}([.][0-9]{1,3})?)?$'),
  CONSTRAINT mirror_scan_interval_shape CHECK (
    scan_interval ~ '^([0-9]{1,4}([.][0-9]{1,3})?)?$' AND scan_interval !~ '^[0.]+$'),
  CONSTRAINT mirror_scan_hours_shape CHECK (scan_hours ~ '^(([01]?[0-9]|2[0-3])-([01]?[0-9]|2[0-4]))?$')
);

-- The ways to list a mirror, which only scans read; the one of the smallest priority is tried first. Which methods there are is
-- known to scanner/list, so that a new one needs no migration. Without a URL it is not used.
CREATE TABLE endpoint (
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  method text NOT NULL,
  url text NOT NULL DEFAULT '',
  options text[] NOT NULL DEFAULT '{}',
  priority integer NOT NULL DEFAULT 0,
  PRIMARY KEY (mirror_id, method),
  CONSTRAINT endpoint_method_shape CHECK (method ~ '^[a-z][a-z0-9]{0,19}$'),
  CONSTRAINT endpoint_url_shape CHECK (url = '' OR CASE method
    WHEN 'rsync' THEN is_rsync_url(url)
    ELSE url ~ '^[a-z][a-z0-9+.-]*://[^/[:space:][:cntrl:]]+/[^[:space:][:cntrl:]]*$' END),
  CONSTRAINT endpoint_url_length CHECK (octet_length(url) <= 2048),
  CONSTRAINT endpoint_options_shape CHECK (
    array_position(options, NULL) IS NULL AND array_to_string(options, ' ') !~ '[[:cntrl:]]')
);

-- A network, or the number of a further AS, that a mirror serves before others.
CREATE TABLE mirror_prefix (
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  prefix cidr,
  asn bigint,
  CONSTRAINT mirror_prefix_one_kind CHECK (num_nonnulls(prefix, asn) = 1),
  CONSTRAINT mirror_prefix_asn_range CHECK (asn BETWEEN 1 AND 4294967295),
  CONSTRAINT mirror_prefix_unique UNIQUE (mirror_id, prefix),
  CONSTRAINT mirror_prefix_asn_unique UNIQUE (mirror_id, asn)
);

-- What admins noted of a mirror, and when; what holds for long is mirror.private_comment. by: as in audit.
CREATE TABLE mirror_comment (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT date_trunc('second', now()),
  by text NOT NULL DEFAULT coalesce(nullif(current_setting('mirror.operator', true), ''), session_user),
  text text NOT NULL,
  CONSTRAINT mirror_comment_text_length CHECK (octet_length(text) BETWEEN 1 AND 10000),
  CONSTRAINT mirror_comment_by_length CHECK (octet_length(by) BETWEEN 1 AND 200),
  CONSTRAINT mirror_comment_at_range CHECK (at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
CREATE INDEX mirror_comment_mirror ON mirror_comment (mirror_id, at);

-- Over which schemes and address families a mirror answers, as mb-probe finds it. What has no row is unknown, and counts as up.
-- reason: why it is down, in words. final_host: to which the mirror redirects; empty: to none.
CREATE TABLE health (
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  scheme text NOT NULL,
  family text NOT NULL,
  state text NOT NULL DEFAULT 'unknown',
  since timestamptz NOT NULL DEFAULT now(),
  checked timestamptz,
  reason text NOT NULL DEFAULT '',
  latency_ms integer,
  certificate_end timestamptz,
  final_host text NOT NULL DEFAULT '',
  PRIMARY KEY (mirror_id, scheme, family),
  CONSTRAINT health_way_known CHECK (scheme IN ('http', 'https') AND family IN ('ipv4', 'ipv6')),
  CONSTRAINT health_state_known CHECK (state IN ('up', 'down', 'unknown')),
  CONSTRAINT health_reason_shape CHECK (octet_length(reason) <= 500 AND reason !~ '[[:cntrl:]]'),
  CONSTRAINT health_final_host_shape CHECK (octet_length(final_host) <= 300 AND final_host !~ '[[:cntrl:]]'),
  CONSTRAINT health_latency_range CHECK (latency_ms >= 0),
  CONSTRAINT health_time_range CHECK (
    since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND checked BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND certificate_end BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 23:59:59+00')
);

-- The rev of all that redirects read of the mirrors. Its row lock is the mirrors' own: changing a mirror never waits for a merge.
CREATE TABLE mirror_rev (
  one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
  rev bigint NOT NULL CONSTRAINT mirror_rev_range CHECK (rev BETWEEN 1 AND 1152921504606846976)
);
INSERT INTO mirror_rev (rev) VALUES (1);
-- Near the end of bigint no change of a mirror could raise it any more.
CREATE FUNCTION check_mirror_rev() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.rev <> OLD.rev + 1 THEN
    RAISE EXCEPTION 'the revision of the mirrors goes up by one' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER mirror_rev_step BEFORE UPDATE ON mirror_rev FOR EACH ROW EXECUTE FUNCTION check_mirror_rev();
CREATE TRIGGER mirror_rev_notify AFTER UPDATE ON mirror_rev FOR EACH STATEMENT EXECUTE FUNCTION notify_replicas();

CREATE FUNCTION bump_mirror_rev() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$ BEGIN UPDATE mirror_rev SET rev = rev + 1; RETURN NULL; END $$;

CREATE TRIGGER mirror_rev_rows AFTER INSERT OR DELETE ON mirror FOR EACH ROW EXECUTE FUNCTION bump_mirror_rev();
CREATE TRIGGER mirror_rev_columns AFTER UPDATE ON mirror FOR EACH ROW
  WHEN ((OLD.id, OLD.identifier, OLD.http_url, OLD.https_url, OLD.enabled, OLD.online, OLD.weight, OLD.country, OLD.region,
         OLD.subdivision, OLD.latitude, OLD.longitude, OLD.asn, OLD.prefix_only, OLD.as_only, OLD.country_only, OLD.region_only,
         OLD.other_countries, OLD.excluded_countries, OLD.ipv4, OLD.ipv6, OLD.file_maxsize, OLD.operator_name, OLD.operator_url,
         OLD.public_note, OLD.down, OLD.down_reason, OLD.standing,
         OLD.standing_reason, OLD.max_mbit, OLD.places)
    IS DISTINCT FROM
        (NEW.id, NEW.identifier, NEW.http_url, NEW.https_url, NEW.enabled, NEW.online, NEW.weight, NEW.country, NEW.region,
         NEW.subdivision, NEW.latitude, NEW.longitude, NEW.asn, NEW.prefix_only, NEW.as_only, NEW.country_only, NEW.region_only,
         NEW.other_countries, NEW.excluded_countries, NEW.ipv4, NEW.ipv6, NEW.file_maxsize, NEW.operator_name, NEW.operator_url,
         NEW.public_note, NEW.down, NEW.down_reason, NEW.standing,
         NEW.standing_reason, NEW.max_mbit, NEW.places))
  EXECUTE FUNCTION bump_mirror_rev();
CREATE TRIGGER mirror_rev_prefixes AFTER INSERT OR UPDATE OR DELETE ON mirror_prefix
  FOR EACH ROW EXECUTE FUNCTION bump_mirror_rev();
CREATE TRIGGER mirror_rev_truncate AFTER TRUNCATE ON mirror FOR EACH STATEMENT EXECUTE FUNCTION bump_mirror_rev();

-- What mb.toml says of paths of the tree, in its order; who scans the source writes it. An immutable file never gets other
-- content. A mutable group is the folder of an anchor: glob fits the folder, anchors and signatures are names in it, and
-- alternates_s says how long the hashes of an anchor's former versions are given out. core/path_glob.h says what a pattern is.
CREATE TABLE path_rule (
  position integer PRIMARY KEY,
  kind text NOT NULL,
  glob text NOT NULL,
  anchors text[] NOT NULL DEFAULT '{}',
  signatures text[] NOT NULL DEFAULT '{}',
  alternates_s double precision NOT NULL DEFAULT 0,
  CONSTRAINT path_rule_kind_known CHECK (kind IN ('immutable', 'mutable')),
  CONSTRAINT path_rule_glob_length CHECK (octet_length(glob) BETWEEN 1 AND 255),
  CONSTRAINT path_rule_names_known CHECK (array_position(anchors || signatures, NULL) IS NULL),
  CONSTRAINT path_rule_anchor_needed CHECK ((kind = 'mutable') = (cardinality(anchors) > 0)),
  CONSTRAINT path_rule_alternates_range CHECK (alternates_s BETWEEN 0 AND 31622400)
);
CREATE TRIGGER mirror_rev_rules AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON path_rule
  FOR EACH STATEMENT EXECUTE FUNCTION bump_mirror_rev();

-- What changed of a mirror: a way's health ("https/ipv6"), its standing, whether it is enabled. Nobody writes it but the triggers
-- below and note_scan_event(). No foreign key: what happened stays known when the mirror is deleted.
CREATE TABLE event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  mirror_id smallint NOT NULL,
  mirror text NOT NULL,
  what text NOT NULL,
  "from" text NOT NULL,
  "to" text NOT NULL,
  why text NOT NULL DEFAULT ''
);
CREATE INDEX event_at ON event (at);
CREATE INDEX event_mirror ON event (mirror_id, at);

CREATE FUNCTION note_mirror_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.standing <> OLD.standing THEN
    INSERT INTO event (mirror_id, mirror, what, "from", "to", why)
      VALUES (NEW.id, NEW.identifier, 'standing', OLD.standing, NEW.standing, NEW.standing_reason);
    -- A good scan is what it waits for.
    IF NEW.standing IN ('returning', 'wrong') THEN
      UPDATE scan_queue SET due = least(due, now()), asked = now() WHERE mirror_id = NEW.id AND subtree = '';
    END IF;
  END IF;
  IF NEW.enabled <> OLD.enabled THEN
    INSERT INTO event (mirror_id, mirror, what, "from", "to", why)
      VALUES (NEW.id, NEW.identifier, 'enabled', CASE WHEN OLD.enabled THEN 'yes' ELSE 'no' END,
              CASE WHEN NEW.enabled THEN 'yes' ELSE 'no' END, coalesce(current_setting('mirror.why', true), ''));
    UPDATE scan_queue SET due = least(due, now()), asked = now(), attempts = 0, failures = 0, failing_since = NULL
      WHERE NEW.enabled AND mirror_id = NEW.id AND subtree = '';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER mirror_event AFTER UPDATE OF enabled, standing ON mirror FOR EACH ROW EXECUTE FUNCTION note_mirror_event();

-- The mirror's row says what is down, so that redirectors hear of that alone and not of each check.
CREATE FUNCTION note_health() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  which smallint := CASE WHEN TG_OP = 'DELETE' THEN OLD.mirror_id ELSE NEW.mirror_id END;
  before text := CASE WHEN TG_OP = 'INSERT' THEN 'unknown' ELSE OLD.state END;
BEGIN
  IF TG_OP <> 'DELETE' AND NEW.state <> before THEN
    INSERT INTO event (mirror_id, mirror, what, "from", "to", why)
      SELECT id, identifier, NEW.scheme || '/' || NEW.family, before, NEW.state, NEW.reason FROM mirror WHERE id = which;
  END IF;
  UPDATE mirror SET down = found.ways, down_reason = found.reasons
    FROM (SELECT coalesce(array_agg(scheme || '/' || family ORDER BY scheme, family), '{}') AS ways,
                 coalesce(string_agg(DISTINCT reason, '; ') FILTER (WHERE reason <> ''), '') AS reasons
          FROM health WHERE mirror_id = which AND state = 'down') AS found
    WHERE id = which AND (down, down_reason) IS DISTINCT FROM (found.ways, found.reasons);
  RETURN NULL;
END $$;
-- Once for each certificate that ends within 14 days.
CREATE FUNCTION note_certificate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  ends text := 'ends ' || to_char(NEW.certificate_end AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI');
BEGIN
  IF NEW.certificate_end BETWEEN now() AND now() + interval '14 days' AND NOT EXISTS (
       SELECT FROM event WHERE mirror_id = NEW.mirror_id AND at > now() - interval '15 days' AND what = 'certificate'
         AND "to" = ends) THEN
    INSERT INTO event (mirror_id, mirror, what, "from", "to", why)
      SELECT id, identifier, 'certificate', 'valid', ends, NEW.scheme || '/' || NEW.family FROM mirror WHERE id = NEW.mirror_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER certificate_note AFTER INSERT OR UPDATE ON health
  FOR EACH ROW WHEN (NEW.certificate_end IS NOT NULL) EXECUTE FUNCTION note_certificate();
CREATE TRIGGER health_note AFTER INSERT OR UPDATE OR DELETE ON health FOR EACH ROW EXECUTE FUNCTION note_health();
-- What was set of the mirrors and rules: by whom, from which value to which. Triggers write it, so changes by plain SQL are there too,
-- and nobody else does. What scans and probes find out is none of it. setting: a column of mirror, 'endpoint METHOD COLUMN',
-- 'prefix' or 'rule', or 'added' or 'deleted' with all that is set. operator: who runs the program, as it says itself (db/session.h).
-- No foreign key: it stays known when the mirror is deleted.
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  role text NOT NULL,
  operator text NOT NULL,
  program text NOT NULL,
  address text NOT NULL,
  mirror_id smallint,
  mirror text NOT NULL,
  setting text NOT NULL,
  "from" text NOT NULL,
  "to" text NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_mirror ON audit (mirror_id, at);

-- Passwords in URLs do not appear, nor what may be a secret in them, a name alone or a query; and no value is endless.
CREATE FUNCTION audit_text(value text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
  SELECT left(regexp_replace(regexp_replace(regexp_replace(coalesce(value, ''),
    '(://[^/@:[:space:]]*):[^/[:space:]]*@', '\1:***@', 'g'), '(https?://)[^/@:[:space:]]+@', '\1***@', 'g'),
    '(https?://[^?[:space:]]*\?)[^[:space:]]+', '\1***', 'g'), 10000) $$;
-- A setting as mb shows it.
CREATE FUNCTION audit_text(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
  SELECT audit_text(CASE jsonb_typeof(value)
    WHEN 'array' THEN (SELECT string_agg(one, ',' ORDER BY place) FROM jsonb_array_elements_text(value) WITH ORDINALITY AS a (one, place))
    WHEN 'boolean' THEN CASE WHEN value = 'true' THEN 'yes' ELSE 'no' END
    ELSE value #>> '{}' END) $$;
CREATE FUNCTION write_audit(which smallint, name text, setting text, before text, after text) RETURNS void LANGUAGE sql
  SET search_path FROM CURRENT AS $$
  INSERT INTO audit (role, operator, program, address, mirror_id, mirror, setting, "from", "to")
    VALUES (session_user, left(coalesce(current_setting('mirror.operator', true), ''), 200), current_setting('application_name'),
            coalesce(host(inet_client_addr()), ''), which, name, setting, before, after) $$;
REVOKE EXECUTE ON FUNCTION write_audit(smallint, text, text, text, text) FROM PUBLIC;

-- What an administrator sets of a mirror: everything but what scans and probes find out.
CREATE FUNCTION mirror_settings(which mirror) RETURNS TABLE (setting text, value jsonb) LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT key, value FROM jsonb_each(to_jsonb(which) - ARRAY['id', 'keeps_times', 'keeps_times_share', 'last_scan', 'down', 'down_reason',
    'standing', 'standing_since', 'standing_reason', 'time_offset_s']) $$;
-- Those that are not as they are by default, in one text.
CREATE FUNCTION mirror_summary(which mirror) RETURNS text LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT audit_text(string_agg(setting || '=' || text, ' ' ORDER BY setting))
  FROM (SELECT setting, audit_text(value) AS text FROM mirror_settings(which) WHERE setting <> 'identifier'
        UNION ALL SELECT 'endpoint ' || method || ' url', audit_text(url) FROM endpoint WHERE mirror_id = which.id
        UNION ALL SELECT 'endpoint ' || method || ' options', array_to_string(options, ',') FROM endpoint WHERE mirror_id = which.id
        UNION ALL SELECT 'prefix', coalesce(prefix::text, 'AS' || asn) FROM mirror_prefix WHERE mirror_id = which.id) AS s
  WHERE text <> '' AND CASE setting WHEN 'weight' THEN text <> '100' WHEN 'online' THEN text <> 'yes' WHEN 'ipv4' THEN text <> 'yes'
                                    ELSE text NOT IN ('no', '0') END $$;

CREATE FUNCTION audit_mirror() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM write_audit(NEW.id, NEW.identifier, 'added', '', mirror_summary(NEW));
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM write_audit(OLD.id, OLD.identifier, 'deleted', mirror_summary(OLD), '');
    RETURN OLD;
  ELSE
    PERFORM write_audit(NEW.id, NEW.identifier, setting, audit_text(b.value), audit_text(a.value))
      FROM mirror_settings(OLD) b JOIN mirror_settings(NEW) a USING (setting) WHERE b.value <> a.value ORDER BY setting;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER mirror_audit_insert AFTER INSERT ON mirror FOR EACH ROW EXECUTE FUNCTION audit_mirror();
-- While its endpoints and prefixes are still there.
CREATE TRIGGER mirror_audit_delete BEFORE DELETE ON mirror FOR EACH ROW EXECUTE FUNCTION audit_mirror();
-- Not for what scans and probes write.
CREATE TRIGGER mirror_audit_update AFTER UPDATE OF identifier, http_url, https_url, ftp_url, strip_prefix, add_prefix, enabled, online,
  weight, country, region, subdivision, latitude, longitude, asn, prefix_only, as_only, country_only, region_only, other_countries,
  excluded_countries, ipv4, ipv6, file_maxsize, operator_name, operator_url, admin_name, admin_email, public_note, private_comment,
  max_mbit, places, stamp_path, max_age, scan_interval, scan_hours ON mirror FOR EACH ROW EXECUTE FUNCTION audit_mirror();
CREATE FUNCTION audit_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN PERFORM write_audit(NULL, '', 'deleted', 'all mirrors', ''); RETURN NULL; END $$;
CREATE TRIGGER mirror_audit_truncate AFTER TRUNCATE ON mirror FOR EACH STATEMENT EXECUTE FUNCTION audit_truncate();

-- Of a deleted mirror, mirror_summary() has told it.
CREATE FUNCTION audit_endpoint() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM write_audit(m.id, m.identifier, 'endpoint ' || method || ' ' || part, audit_text(coalesce(b.value, '')),
                      audit_text(coalesce(a.value, '')))
    FROM (SELECT OLD.mirror_id, OLD.method, v.* FROM (VALUES ('url', OLD.url), ('options', array_to_string(OLD.options, ',')),
            ('priority', nullif(OLD.priority, 0)::text)) AS v (part, value) WHERE TG_OP <> 'INSERT') AS b
      FULL JOIN (SELECT NEW.mirror_id, NEW.method, v.* FROM (VALUES ('url', NEW.url), ('options', array_to_string(NEW.options, ',')),
            ('priority', nullif(NEW.priority, 0)::text)) AS v (part, value) WHERE TG_OP <> 'DELETE') AS a
        USING (mirror_id, method, part)
      JOIN mirror m ON m.id = mirror_id
    WHERE coalesce(b.value, '') <> coalesce(a.value, '') ORDER BY part;
  RETURN NULL;
END $$;
CREATE TRIGGER endpoint_audit AFTER INSERT OR UPDATE OR DELETE ON endpoint FOR EACH ROW EXECUTE FUNCTION audit_endpoint();

CREATE FUNCTION audit_prefix() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM write_audit(m.id, m.identifier, 'prefix', coalesce(b.value, ''), coalesce(a.value, ''))
    FROM (SELECT OLD.mirror_id, coalesce(OLD.prefix::text, 'AS' || OLD.asn) AS value WHERE TG_OP <> 'INSERT') AS b
      FULL JOIN (SELECT NEW.mirror_id, coalesce(NEW.prefix::text, 'AS' || NEW.asn) AS value WHERE TG_OP <> 'DELETE') AS a
        USING (mirror_id)
      JOIN mirror m ON m.id = mirror_id
    WHERE a.value IS DISTINCT FROM b.value;
  RETURN NULL;
END $$;
CREATE TRIGGER mirror_prefix_audit AFTER INSERT OR UPDATE OR DELETE ON mirror_prefix FOR EACH ROW EXECUTE FUNCTION audit_prefix();

CREATE FUNCTION rule_text(which path_rule) RETURNS text LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT concat_ws(' ', which.kind, which.glob, 'anchors=' || nullif(array_to_string(which.anchors, ','), ''),
    'signatures=' || nullif(array_to_string(which.signatures, ','), ''), 'alternates_s=' || nullif(which.alternates_s, 0)) $$;
CREATE FUNCTION audit_rule() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  before text := CASE WHEN TG_OP = 'INSERT' THEN '' ELSE rule_text(OLD) END;
  after text := CASE WHEN TG_OP = 'DELETE' THEN '' ELSE rule_text(NEW) END;
BEGIN
  IF before <> after THEN
    PERFORM write_audit(NULL, '', 'rule', before, after);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER path_rule_audit AFTER INSERT OR UPDATE OR DELETE ON path_rule FOR EACH ROW EXECUTE FUNCTION audit_rule();

-- Events and what was set are kept for 400 days. Nobody may change them; the prober may let the old ones go.
CREATE FUNCTION prune_events() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
WITH old AS (DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < now() - interval '400 days' ORDER BY at LIMIT 10000)
             RETURNING 1),
     set_long_ago AS (DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < now() - interval '400 days' ORDER BY at LIMIT 10000)
                      RETURNING 1)
SELECT (SELECT count(*) FROM old) + (SELECT count(*) FROM set_long_ago) $$;
REVOKE EXECUTE ON FUNCTION bump_mirror_rev(), note_mirror_event(), note_health(), note_certificate(), prune_events() FROM PUBLIC;

-- While it has a row, redirectors send nobody to mirrors (mb pause). They read it together with the mirrors, whose revision it raises.
CREATE TABLE pause (
  one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
  since timestamptz NOT NULL DEFAULT now(),
  reason text NOT NULL,
  CONSTRAINT pause_reason_shape CHECK (octet_length(reason) BETWEEN 1 AND 500 AND reason !~ '[[:cntrl:]]'),
  CONSTRAINT pause_since_range CHECK (since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
CREATE TRIGGER mirror_rev_pause AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON pause
  FOR EACH STATEMENT EXECUTE FUNCTION bump_mirror_rev();
-- Told as an event of all mirrors together, whose mirror has no name.
CREATE FUNCTION note_pause() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  before text := CASE WHEN TG_OP = 'INSERT' THEN '' ELSE OLD.reason END;
  after text := CASE WHEN TG_OP = 'DELETE' THEN '' ELSE NEW.reason END;
BEGIN
  PERFORM write_audit(NULL, '', 'pause', before, after);
  IF TG_OP <> 'UPDATE' THEN
    INSERT INTO event (mirror_id, mirror, what, "from", "to", why)
      VALUES (0, '', 'redirects', CASE WHEN after = '' THEN 'paused' ELSE 'on' END, CASE WHEN after = '' THEN 'on' ELSE 'paused' END,
              CASE WHEN after = '' THEN before ELSE after END);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER pause_event AFTER INSERT OR UPDATE OR DELETE ON pause FOR EACH ROW EXECUTE FUNCTION note_pause();
REVOKE EXECUTE ON FUNCTION note_pause() FROM PUBLIC;

-- Why a mirror is not believed. Each reason comes and goes by itself (lib/db/mirror/standing.h); the mirror's row says the worst
-- of them: wrong, then returning, then stale; good without any. A mirror is stale by its scans (stale), its stamp, or its files.
CREATE TABLE doubt (
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  kind text NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  reason text NOT NULL,
  PRIMARY KEY (mirror_id, kind),
  CONSTRAINT doubt_kind_known CHECK (kind IN ('stale', 'stamp', 'files', 'wrong', 'returning')),
  CONSTRAINT doubt_reason_shape CHECK (octet_length(reason) <= 500 AND reason !~ '[[:cntrl:]]'),
  CONSTRAINT doubt_since_range CHECK (since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
CREATE FUNCTION note_doubt() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  which smallint := CASE WHEN TG_OP = 'DELETE' THEN OLD.mirror_id ELSE NEW.mirror_id END;
BEGIN
  -- The statements below see what others had committed when they got this lock.
  PERFORM FROM mirror WHERE id = which FOR NO KEY UPDATE;
  UPDATE mirror SET standing = worst.standing, standing_reason = worst.reason, standing_since = worst.since
    FROM (SELECT CASE WHEN kind IN ('stamp', 'files') THEN 'stale' ELSE kind END AS standing, reason, since
          FROM (SELECT kind, reason, since FROM doubt WHERE mirror_id = which
                UNION ALL SELECT 'good', '', now()) AS found
          ORDER BY array_position(ARRAY['wrong', 'returning', 'stale', 'stamp', 'files', 'good'], kind) LIMIT 1) AS worst
    WHERE id = which AND (mirror.standing, standing_reason) IS DISTINCT FROM (worst.standing, worst.reason);
  RETURN NULL;
END $$;
CREATE TRIGGER doubt_note AFTER INSERT OR UPDATE OR DELETE ON doubt FOR EACH ROW EXECUTE FUNCTION note_doubt();
REVOKE EXECUTE ON FUNCTION note_doubt() FROM PUBLIC;

-- What a prober remembers of a mirror from one run to the next: how many of its last files were right (scanner/probe/file_record.h),
-- which other checks have succeeded since it is wrong, and for which files its content is still to be compared
-- (scanner/probe/content_walk.h).
CREATE TABLE probe_memory (
  mirror_id smallint PRIMARY KEY REFERENCES mirror ON DELETE CASCADE,
  checked smallint NOT NULL DEFAULT 0,
  wrong_bits bigint NOT NULL DEFAULT 0,
  right_in_a_row integer NOT NULL DEFAULT 0,
  content_right boolean NOT NULL DEFAULT false,
  impossible_right boolean NOT NULL DEFAULT false,
  walk bigint[] NOT NULL DEFAULT '{}',
  walk_began timestamptz,
  walk_listing bytea,
  CONSTRAINT probe_memory_checked_range CHECK (checked BETWEEN 0 AND 50 AND right_in_a_row >= 0),
  CONSTRAINT probe_memory_walk_shape CHECK (cardinality(walk) <= 100 AND array_position(walk, NULL) IS NULL)
);
-- What mb-probe read of each mirror's stamp, a file that says how new the mirror's tree is. path: of the file; at: what it says,
-- NULL if it says nothing that can be used; fault: why, in words.
CREATE TABLE stamp (
  mirror_id smallint PRIMARY KEY REFERENCES mirror ON DELETE CASCADE,
  path text NOT NULL,
  asked timestamptz NOT NULL DEFAULT now(),
  at timestamptz,
  fault text NOT NULL DEFAULT '',
  CONSTRAINT stamp_said CHECK ((at IS NULL) = (fault <> '')),
  CONSTRAINT stamp_fault_shape CHECK (octet_length(fault) <= 500 AND fault !~ '[[:cntrl:]]'),
  CONSTRAINT stamp_at_range CHECK (at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
-- What the source's own stamp has said, under the path that it has now: at most one row for ten minutes.
CREATE TABLE source_stamp (
  at timestamptz PRIMARY KEY,
  path text NOT NULL,
  CONSTRAINT source_stamp_at_range CHECK (at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
-- Which mirrors have files in an old version, by their last full scan (lib/db/merge/behind.h): since when the source has had a
-- newer one of them, and how many of the files that changed last these were. shown: ids of some of them, with the sizes and times
-- that were listed, so that the next scan finds out whether the mirror has moved at all.
CREATE TABLE behind (
  mirror_id smallint PRIMARY KEY REFERENCES mirror ON DELETE CASCADE,
  since timestamptz NOT NULL,
  old_files integer NOT NULL,
  of_files integer NOT NULL,
  shown bigint[] NOT NULL DEFAULT '{}',
  shown_sizes bigint[] NOT NULL DEFAULT '{}',
  shown_times bigint[] NOT NULL DEFAULT '{}',
  CONSTRAINT behind_since_range CHECK (since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  CONSTRAINT behind_files_range CHECK (old_files BETWEEN 0 AND of_files),
  CONSTRAINT behind_shown_pairs CHECK (cardinality(shown) = cardinality(shown_sizes)
    AND cardinality(shown) = cardinality(shown_times) AND cardinality(shown) <= 200)
);

-- The files that exactly the same mirrors have. Two rows may name the same mirrors; small ones are joined later. `mirrors` is
-- sorted and without duplicates; n_files is exact.
CREATE TABLE cohort (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  mirrors smallint[] NOT NULL,
  n_files bigint NOT NULL CONSTRAINT cohort_files_counted CHECK (n_files >= 0),
  rev bigint NOT NULL,
  CONSTRAINT cohort_mirrors_shape CHECK (
    coalesce(array_ndims(mirrors), 1) = 1 AND array_position(mirrors, NULL) IS NULL AND cardinality(mirrors) <= 32767),
  CONSTRAINT cohort_rev_range CHECK (rev BETWEEN 0 AND 1152921504606846976)
);
CREATE INDEX cohort_rev ON cohort (rev);
CREATE INDEX cohort_mirrors ON cohort USING hash (mirrors);

-- What the source has or had. cohort_id is set for regular files that are current or gone and in their grace time, and refers to
-- cohort without a foreign key, which would cost a query per moved file. Every change of a row raises its rev. version_rev is
-- the rev at which the present version (size, mtime) appeared. A link's target is the real path inside the tree, '' the root.
-- earlier_sizes and earlier_times: the sizes and mtimes that the last 32 earlier versions had, as pairs, the newest last; NULL for
-- a file that never had another version. What a listing shows of a mirror may be one of them (lib/db/merge/earlier_versions.h).
-- was_shown: of a staged file, that it was not staged before, so that replicas must hear of it. httpd's role sees no other staged
-- ones (sql/grants.sql).
-- Columns stand in the order that wastes no alignment: there are millions of rows.
CREATE TABLE file (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  size bigint NOT NULL,
  mtime bigint NOT NULL,
  version_rev bigint NOT NULL,
  rev bigint NOT NULL,
  cohort_id bigint,
  gone_at timestamptz,
  kind "char" NOT NULL,
  staged boolean NOT NULL DEFAULT false,
  pending boolean NOT NULL DEFAULT false,
  path bytea NOT NULL,
  link_target bytea,
  was_shown boolean NOT NULL DEFAULT false,
  earlier_sizes bigint[],
  earlier_times bigint[],
  CONSTRAINT file_path_unique UNIQUE (path),
  CONSTRAINT file_path_length CHECK (octet_length(path) BETWEEN 1 AND 2048),
  CONSTRAINT file_size_range CHECK (size >= 0),
  CONSTRAINT file_kind_known CHECK (CASE kind WHEN 'f' THEN link_target IS NULL
                                              WHEN 'l' THEN link_target IS NOT NULL AND NOT pending ELSE false END),
  CONSTRAINT file_cohort_known CHECK (CASE WHEN kind = 'l' OR staged THEN cohort_id IS NULL
                                           ELSE cohort_id IS NOT NULL OR gone_at IS NOT NULL END),
  CONSTRAINT file_earlier_pairs CHECK (
    cardinality(earlier_sizes) IS NOT DISTINCT FROM cardinality(earlier_times)),
  CONSTRAINT file_gone_range CHECK (gone_at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  CONSTRAINT file_rev_range CHECK (
    rev BETWEEN 0 AND 1152921504606846976 AND version_rev BETWEEN 0 AND 1152921504606846976)
);
CREATE INDEX file_gone ON file (gone_at) WHERE gone_at IS NOT NULL;
-- Files that look like an earlier version of theirs, the newest first; and those that some servers cannot send.
CREATE INDEX file_earlier ON file (id) WHERE earlier_sizes IS NOT NULL;
CREATE INDEX file_look_alike ON file (version_rev, id) WHERE size = ANY (earlier_sizes);
CREATE INDEX file_large ON file (id) WHERE size > 2147483648;
-- Room for changed rows on the page where they are, so that they need no new index entries; and no index on what every change
-- changes.
ALTER TABLE file SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE file ENABLE ROW LEVEL SECURITY;

-- The ids of the files that each merge changed, or whose hashes it changed, in one row per statement, so that who is at one
-- revision finds what is above it without an index on file.rev. files NULL, or no row: too many to note, or by a program that
-- knew nothing of this table; then the whole of file is to be read. upto weighs all rows so far, itself included; old ones are
-- dropped by it (lib/db/merge/changes.cc).
CREATE TABLE change (
  rev bigint NOT NULL,
  upto bigint NOT NULL,
  files bigint[],
  PRIMARY KEY (rev, upto),
  CONSTRAINT change_range CHECK (rev BETWEEN 0 AND 1152921504606846976 AND upto BETWEEN 0 AND 1152921504606846976)
);
CREATE TRIGGER change_known BEFORE INSERT OR UPDATE ON change FOR EACH ROW EXECUTE FUNCTION check_revision();

-- What is known of the content of a version (core/hashes.h), and the mtimes under which the source has shown it. A row whose
-- version_rev is not the file's belongs to an older version and is nobody's. rev is the merge that last changed what replicas
-- read of it; the file's stays as it is. Hashes that go without a successor go with the file or its version, which raises the
-- file's. No foreign key to file: its check would write to the file's row. ctime_ns is the inode change time when it was read,
-- NULL for what was not read here; signature_ctime_ns the one of the signature file, 0 when there was none.
CREATE TABLE hash (
  file_id bigint PRIMARY KEY,
  version_rev bigint NOT NULL,
  sha256 bytea,
  mtimes bigint[] NOT NULL,
  md5 bytea,
  sha1 bytea,
  sha512 bytea,
  piece_bytes bigint,
  sha1_pieces bytea,
  pieces_root bytea,
  piece_layer bytea,
  btih bytea,
  btih_v1 bytea,
  btmh bytea,
  zsync_block_bytes integer,
  zsync_seq_matches integer,
  zsync_rsum_bytes integer,
  zsync_md4_bytes integer,
  zsync_sums bytea,
  signature_kind "char",
  signature bytea,
  signature_ctime_ns bigint,
  ctime_ns bigint,
  rev bigint NOT NULL DEFAULT 0,
  CONSTRAINT hash_sha256_length CHECK (octet_length(sha256) = 32),
  CONSTRAINT hash_mtimes_known CHECK (cardinality(mtimes) > 0 AND array_position(mtimes, NULL) IS NULL),
  CONSTRAINT hash_digest_known CHECK (num_nonnulls(md5, sha1, sha256, sha512) > 0),
  CONSTRAINT hash_md5_length CHECK (octet_length(md5) = 16),
  CONSTRAINT hash_sha1_length CHECK (octet_length(sha1) = 20),
  CONSTRAINT hash_sha512_length CHECK (octet_length(sha512) = 64),
  CONSTRAINT hash_sha1_pieces_length CHECK ((piece_bytes IS NULL) = (sha1_pieces IS NULL) AND octet_length(sha1_pieces) % 20 = 0),
  CONSTRAINT hash_piece_bytes_power CHECK (piece_bytes >= 16384 AND piece_bytes & (piece_bytes - 1) = 0),
  CONSTRAINT hash_pieces_root_length CHECK (octet_length(pieces_root) = 32),
  CONSTRAINT hash_piece_layer_length CHECK (octet_length(piece_layer) % 32 = 0),
  CONSTRAINT hash_btih_length CHECK (octet_length(btih) = 20),
  CONSTRAINT hash_btih_v1_length CHECK (octet_length(btih_v1) = 20),
  CONSTRAINT hash_btmh_length CHECK (octet_length(btmh) = 32),
  CONSTRAINT hash_zsync_complete CHECK (
    num_nulls(zsync_block_bytes, zsync_seq_matches, zsync_rsum_bytes, zsync_md4_bytes, zsync_sums) IN (0, 5)),
  CONSTRAINT hash_zsync_range CHECK (
    zsync_block_bytes >= 16 AND zsync_seq_matches IN (1, 2) AND zsync_rsum_bytes BETWEEN 1 AND 4
    AND zsync_md4_bytes BETWEEN 3 AND 16
    AND octet_length(zsync_sums) % (zsync_rsum_bytes + zsync_md4_bytes) = 0),
  CONSTRAINT hash_signature_kind_known CHECK (signature_kind IN ('a', 's') AND signature IS NOT NULL OR
                                              signature_kind IS NULL AND signature IS NULL),
  CONSTRAINT hash_signature_length CHECK (octet_length(signature) BETWEEN 1 AND 65536),
  CONSTRAINT hash_rev_range CHECK (rev BETWEEN 0 AND 1152921504606846976)
);
ALTER TABLE hash ENABLE ROW LEVEL SECURITY;
-- Digests do not compress; out of line and uncompressed, a part can be read without the rest.
ALTER TABLE hash ALTER sha1_pieces SET STORAGE EXTERNAL, ALTER piece_layer SET STORAGE EXTERNAL,
  ALTER zsync_sums SET STORAGE EXTERNAL;

CREATE FUNCTION delete_hashes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$ BEGIN DELETE FROM hash USING deleted WHERE file_id = deleted.id; RETURN NULL; END $$;
CREATE TRIGGER file_hashes AFTER DELETE ON file REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT EXECUTE FUNCTION delete_hashes();
CREATE FUNCTION empty_hashes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$ BEGIN DELETE FROM hash; RETURN NULL; END $$;
CREATE TRIGGER file_hashes_truncate AFTER TRUNCATE ON file FOR EACH STATEMENT EXECUTE FUNCTION empty_hashes();

-- Each folder of a mutable group (path_rule) that the source has, and who may serve its members: the mirrors that have all of
-- them. Every merge keeps it right (lib/db/merge/groups.cc). cohorts: those of the members; 0 stands for one that nobody has for
-- sure. anchored: false once the anchor is gone; then the folder is none of a group, and the row tells replicas so. rev: of the
-- merge that last changed what replicas read.
CREATE TABLE mutable_group (
  folder bytea PRIMARY KEY,
  anchored boolean NOT NULL,
  cohorts bigint[] NOT NULL DEFAULT '{}',
  mirrors smallint[] NOT NULL DEFAULT '{}',
  rev bigint NOT NULL,
  CONSTRAINT mutable_group_folder_length CHECK (octet_length(folder) <= 2048),
  CONSTRAINT mutable_group_rev_range CHECK (rev BETWEEN 0 AND 1152921504606846976)
);

-- Versions of the anchors of mutable groups (path_rule), as far as their hashes are known and their rule has alternates_s: the
-- present one (replaced_at NULL) and the newest former ones, whose hashes Metalinks give out. mirrors: those that matched the whole
-- group and this version of its anchor when that was last so for any, at whole_at by the merge whole_rev, and that no merge has
-- seen in another state since. cohorts: those of all files in the folder, so that a merge finds the rows to look at. Every merge
-- keeps it right (lib/db/merge/anchor_versions.cc).
CREATE TABLE anchor_version (
  path bytea NOT NULL,
  version_rev bigint NOT NULL,
  folder bytea NOT NULL,
  size bigint NOT NULL,
  mtime bigint NOT NULL,
  replaced_at timestamptz,
  md5 bytea,
  sha1 bytea,
  sha256 bytea,
  sha512 bytea,
  mirrors smallint[] NOT NULL DEFAULT '{}',
  whole_rev bigint NOT NULL,
  whole_at timestamptz NOT NULL DEFAULT now(),
  cohorts bigint[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (path, version_rev),
  CONSTRAINT anchor_version_size_range CHECK (size >= 0),
  CONSTRAINT anchor_version_rev_range CHECK (
    version_rev BETWEEN 0 AND 1152921504606846976 AND whole_rev BETWEEN 0 AND 1152921504606846976),
  CONSTRAINT anchor_version_replaced_range CHECK (
    replaced_at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  CONSTRAINT anchor_version_digest_known CHECK (num_nonnulls(md5, sha1, sha256, sha512) > 0),
  CONSTRAINT anchor_version_digest_lengths CHECK (
    coalesce(octet_length(md5), 16) = 16 AND coalesce(octet_length(sha1), 20) = 20
    AND coalesce(octet_length(sha256), 32) = 32 AND coalesce(octet_length(sha512), 64) = 64),
  CONSTRAINT anchor_version_mirrors_known CHECK (array_position(mirrors, NULL) IS NULL)
);
CREATE INDEX anchor_version_folder ON anchor_version (folder);

-- What the last source merge was told: how long gone files are still redirected. rev: of the last merge that changed which files
-- the source has, or in which version.
CREATE TABLE source (
  one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
  grace_s double precision NOT NULL DEFAULT 86400 CONSTRAINT source_grace_range CHECK (grace_s BETWEEN 0 AND 31622400),
  rev bigint NOT NULL DEFAULT 0 CONSTRAINT source_rev_range CHECK (rev BETWEEN 0 AND 1152921504606846976)
);
INSERT INTO source DEFAULT VALUES;

-- One row per run; mirror_id NULL: of the source. A scan drops rows of its mirror that are older than 90 days. fingerprint tells
-- whether the next full listing says the same; rev is the one read before the listing's first byte, or that of the source's own
-- merge; held, how many files the mirror or the source then had, is written last. Of a scan that runs, fingerprint is NULL, or empty if
-- files of its mirror were withdrawn or confirmed meanwhile: then it keeps none.
CREATE TABLE scan (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  mirror_id smallint REFERENCES mirror ON DELETE CASCADE,
  method text NOT NULL,
  subtree bytea NOT NULL DEFAULT '',
  started timestamptz NOT NULL DEFAULT now(),
  ended timestamptz,
  seen bigint NOT NULL DEFAULT 0,
  gained bigint NOT NULL DEFAULT 0,
  lost bigint NOT NULL DEFAULT 0,
  unknown bigint NOT NULL DEFAULT 0,
  outdated bigint NOT NULL DEFAULT 0,
  outcome text NOT NULL DEFAULT 'running',
  error text NOT NULL DEFAULT '',
  fingerprint bytea,
  rev bigint,
  held bigint,
  CONSTRAINT scan_outcome_known CHECK (
    outcome IN ('running', 'merged', 'unchanged', 'refused', 'held', 'failed', 'interrupted')),
  CONSTRAINT scan_ended_known CHECK ((outcome = 'running') = (ended IS NULL)),
  CONSTRAINT scan_time_range CHECK (
    started BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND ended BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
CREATE INDEX scan_mirror ON scan (mirror_id, started);

-- Who scans a mirror, or the source (mirror_id 0), or probes all (-1), and from where (lib/db/scan_lock.h). No foreign key: an admin who deletes a
-- mirror does not wait for a scan.
CREATE TABLE scan_lock (
  mirror_id smallint PRIMARY KEY,
  backend integer NOT NULL,
  token integer NOT NULL,
  host text NOT NULL,
  process integer NOT NULL,
  program text NOT NULL,
  since timestamptz NOT NULL
);
-- Has no rows and no columns: merges lock it as a table, which only those may who may write it.
CREATE TABLE merge_lock ();

-- When what is to be listed next (lib/db/scan_queue.h): a row for each enabled mirror (subtree ''), and one for each folder of a
-- mirror that somebody asked for. asked: when. taken_until: a worker has taken it, and is about to take the mirror's scan_lock.
-- attempts: how often a worker has taken it since one was done with it. Of full scans: failures, how many failed in a row;
-- failing_since, when the first of these ended; known_rev, what the last good one knew of the source.
CREATE TABLE scan_queue (
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  subtree bytea NOT NULL DEFAULT '',
  due timestamptz NOT NULL DEFAULT now(),
  asked timestamptz NOT NULL DEFAULT now(),
  taken_until timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  failing_since timestamptz,
  known_rev bigint NOT NULL DEFAULT -1,
  PRIMARY KEY (mirror_id, subtree),
  CONSTRAINT scan_queue_subtree_length CHECK (octet_length(subtree) <= 2048),
  CONSTRAINT scan_queue_time_range CHECK (
    due BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND asked BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND taken_until BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  CONSTRAINT scan_queue_failing_range CHECK (
    failing_since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
-- Who works on it. near: of which region or country its mirrors come first.
CREATE TABLE scan_worker (
  host text NOT NULL,
  process integer NOT NULL,
  near text NOT NULL DEFAULT '',
  seen timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (host, process)
);

-- Whether it is time to scan: hours of the day by UTC, as 22-6; '': always.
CREATE FUNCTION is_scan_hour(hours text) RETURNS boolean LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT CASE WHEN hours = '' THEN true WHEN first <= past THEN hour >= first AND hour < past
              ELSE hour >= first OR hour < past END
  FROM (SELECT split_part(hours, '-', 1) AS f, split_part(hours, '-', 2) AS p) AS parts,
       LATERAL (SELECT CASE WHEN hours = '' THEN 0 ELSE f::integer END AS first,
                       CASE WHEN hours = '' THEN 0 ELSE p::integer END AS past,
                       extract(hour FROM now() AT TIME ZONE 'UTC')::integer AS hour) AS read $$;

-- Disables a mirror that cannot be listed, and says why; '' when there is no reason to.
CREATE FUNCTION disable_failing_mirror(which smallint, least_failures integer, least_age interval) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  bad record;
  why text;
BEGIN
  SELECT failures, failing_since INTO bad FROM scan_queue WHERE mirror_id = which AND subtree = '';
  IF coalesce(least_failures, 0) < 1 OR coalesce(bad.failures, 0) < least_failures
     OR (bad.failing_since <= now() - least_age) IS NOT TRUE THEN
    RETURN '';
  END IF;
  -- When most cannot be listed, it is not the mirrors that are ill.
  IF (SELECT 2 * count(*) FILTER (WHERE q.failures > 0) > count(*)
      FROM mirror m LEFT JOIN scan_queue q ON q.mirror_id = m.id AND q.subtree = '' WHERE m.enabled) THEN
    RETURN '';
  END IF;
  why := format('%s scans failed in a row, and there was no good one since %s', bad.failures,
                to_char(bad.failing_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'));
  PERFORM set_config('mirror.why', why, true);
  UPDATE mirror SET enabled = false WHERE id = which AND enabled;
  RETURN CASE WHEN FOUND THEN why ELSE '' END;
END $$;
REVOKE EXECUTE ON FUNCTION disable_failing_mirror(smallint, integer, interval) FROM PUBLIC;

-- For the scanner's role, which may not write the mirrors and does not own the tables.
CREATE FUNCTION enable_mirror(which smallint) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS
$$ UPDATE mirror SET enabled = true WHERE id = which AND NOT enabled $$;
CREATE FUNCTION analyze_files() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$ BEGIN ANALYZE file, cohort, hash, change, revision; END $$;
-- That a scan that was refused, or that failed, was believed all the same.
CREATE FUNCTION note_scan_event(which smallint, outcome text, why text) RETURNS void LANGUAGE sql SECURITY DEFINER
  SET search_path FROM CURRENT AS
$$ INSERT INTO event (mirror_id, mirror, what, "from", "to", why)
     SELECT id, identifier, 'scan', outcome, 'merged', why FROM mirror WHERE id = which $$;
REVOKE EXECUTE ON FUNCTION enable_mirror(smallint), analyze_files(), note_scan_event(smallint, text, text) FROM PUBLIC;

-- Which redirectors follow this database, and how far each is: for `mb status`.
CREATE TABLE redirector (
  host text NOT NULL,
  catalog text NOT NULL,
  rev bigint NOT NULL,
  seen timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (host, catalog)
);
-- Which files are asked for, as redirectors told: how often until then, where half of what is six hours older counts.
CREATE TABLE demand (
  file_id bigint PRIMARY KEY,
  requests double precision NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT demand_requests_range CHECK (requests BETWEEN 1 AND 1e15),
  CONSTRAINT demand_at_range CHECK (at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
CREATE FUNCTION demand_now(requests double precision, at timestamptz) RETURNS double precision LANGUAGE sql STABLE
  SET search_path FROM CURRENT AS
$$ SELECT requests * 0.5 ^ least(extract(epoch FROM greatest(now() - at, interval '0'))::float8 / 21600, 1000) $$;
-- For httpd's role, which writes nothing else: at most once a minute for each catalog. Other programs of the web server may call
-- it too, so there is an end to how much they can write. asked: paths of files, and how often each was asked for since.
CREATE FUNCTION note_redirector(host_name text, directory text, reached bigint, asked bytea[], times double precision[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
BEGIN
  IF host_name !~ '^[A-Za-z0-9._-]{1,255}$' OR octet_length(directory) NOT BETWEEN 1 AND 1024 OR directory ~ '[[:cntrl:]]'
     OR reached NOT BETWEEN 0 AND 1152921504606846976 OR cardinality(asked) <> cardinality(times) OR cardinality(asked) > 1000 THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM redirector WHERE host = host_name AND catalog = directory AND seen > now() - interval '50 seconds') THEN
    RETURN;
  END IF;
  DELETE FROM redirector WHERE seen < now() - interval '7 days';
  INSERT INTO redirector (host, catalog, rev) SELECT host_name, directory, reached
    WHERE (SELECT count(*) FROM redirector) < 1000 OR EXISTS (SELECT FROM redirector WHERE host = host_name AND catalog = directory)
    ON CONFLICT (host, catalog) DO UPDATE SET rev = excluded.rev, seen = now();
  IF NOT FOUND OR cardinality(asked) = 0 THEN
    RETURN;
  END IF;
  BEGIN
    INSERT INTO demand AS d (file_id, requests)
      SELECT f.id, least(sum(a.count), 1e9) FROM unnest(asked, times) a (path, count) JOIN file f ON f.path = a.path
        WHERE a.count >= 1 AND f.kind = 'f' AND f.gone_at IS NULL AND NOT f.staged GROUP BY f.id ORDER BY f.id
      ON CONFLICT (file_id) DO UPDATE SET requests = least(demand_now(d.requests, d.at) + excluded.requests, 1e15), at = now();
    IF (SELECT count(*) FROM demand) > 4000 THEN
      DELETE FROM demand WHERE file_id IN (SELECT file_id FROM demand WHERE file_id NOT IN (
        SELECT file_id FROM demand ORDER BY demand_now(requests, at) DESC, file_id LIMIT 2000) ORDER BY file_id FOR UPDATE SKIP LOCKED);
    END IF;
  EXCEPTION WHEN OTHERS THEN
    NULL;  -- how far the redirector is matters more
  END;
END $$;
REVOKE EXECUTE ON FUNCTION note_redirector(text, text, bigint, bytea[], double precision[]) FROM PUBLIC;

-- What `mb notify` has sent: for each target of the configuration, and each recipient of one that writes to many. last_event: up to
-- which event; sent: when notices went out within the last hour; failures in a row, and when to try again.
CREATE TABLE notice (
  target text NOT NULL,
  recipient text NOT NULL DEFAULT '',
  last_event bigint NOT NULL,
  sent timestamptz[] NOT NULL DEFAULT '{}',
  failures integer NOT NULL DEFAULT 0,
  retry_at timestamptz,
  error text NOT NULL DEFAULT '',
  PRIMARY KEY (target, recipient)
);

-- How far a mirror without any index has been asked for its files one by one (lib/db/merge/head_turn.h): for all files whose version
-- is not newer than rev, and of those that are newer up to (at_rev, at_id), in the order of versions and ids. Of the others, up to
-- path. at_id is -1 where rev is how far a complete mirror's files were asked for or taken for it by a sample
-- (lib/db/merge/head_sample.h).
CREATE TABLE head_turn (
  mirror_id smallint PRIMARY KEY REFERENCES mirror ON DELETE CASCADE,
  rev bigint NOT NULL,
  at_rev bigint NOT NULL,
  at_id bigint NOT NULL,
  path bytea NOT NULL
);
