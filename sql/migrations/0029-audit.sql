-- What administrators changed, whoever did it and however: for `mb log`.
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
CREATE OR REPLACE FUNCTION prune_events() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
WITH old AS (DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < now() - interval '400 days' ORDER BY at LIMIT 10000)
             RETURNING 1),
     set_long_ago AS (DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < now() - interval '400 days' ORDER BY at LIMIT 10000)
                      RETURNING 1)
SELECT (SELECT count(*) FROM old) + (SELECT count(*) FROM set_long_ago) $$;
