-- Whether a mirror answers and may be believed: what mb-probe finds, and what redirectors heed.
ALTER TABLE mirror ADD COLUMN down text[] NOT NULL DEFAULT '{}',
  ADD COLUMN down_reason text NOT NULL DEFAULT '',
  ADD COLUMN standing text NOT NULL DEFAULT 'good',
  ADD COLUMN standing_since timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN standing_reason text NOT NULL DEFAULT '',
  ADD CONSTRAINT mirror_down_known CHECK (down <@ ARRAY['http/ipv4', 'http/ipv6', 'https/ipv4', 'https/ipv6']),
  ADD CONSTRAINT mirror_standing_known CHECK (standing IN ('good', 'stale', 'wrong', 'returning')),
  ADD CONSTRAINT mirror_standing_since_range CHECK (standing_since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  ADD CONSTRAINT mirror_standing_reason_shape CHECK (octet_length(standing_reason) <= 500 AND standing_reason !~ '[[:cntrl:]]');
-- Over which schemes and address families a mirror answers, as mb-probe finds it. What has no row is unknown, and counts as up.
-- reason: why it is down, in words.
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
  PRIMARY KEY (mirror_id, scheme, family),
  CONSTRAINT health_way_known CHECK (scheme IN ('http', 'https') AND family IN ('ipv4', 'ipv6')),
  CONSTRAINT health_state_known CHECK (state IN ('up', 'down', 'unknown')),
  CONSTRAINT health_reason_shape CHECK (octet_length(reason) <= 500 AND reason !~ '[[:cntrl:]]'),
  CONSTRAINT health_latency_range CHECK (latency_ms >= 0),
  CONSTRAINT health_time_range CHECK (
    since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND checked BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND certificate_end BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 23:59:59+00')
);

CREATE OR REPLACE FUNCTION bump_mirror_rev() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$ BEGIN UPDATE mirror_rev SET rev = rev + 1; RETURN NULL; END $$;
DROP TRIGGER mirror_rev_columns ON mirror;
CREATE TRIGGER mirror_rev_columns AFTER UPDATE ON mirror FOR EACH ROW
  WHEN ((OLD.id, OLD.identifier, OLD.http_url, OLD.https_url, OLD.enabled, OLD.online, OLD.weight, OLD.country, OLD.region,
         OLD.subdivision, OLD.latitude, OLD.longitude, OLD.asn, OLD.prefix_only, OLD.as_only, OLD.country_only, OLD.region_only,
         OLD.other_countries, OLD.excluded_countries, OLD.ipv4, OLD.ipv6, OLD.file_maxsize, OLD.operator_name, OLD.operator_url,
         OLD.public_note, OLD.down, OLD.down_reason, OLD.standing,
         OLD.standing_reason)
    IS DISTINCT FROM
        (NEW.id, NEW.identifier, NEW.http_url, NEW.https_url, NEW.enabled, NEW.online, NEW.weight, NEW.country, NEW.region,
         NEW.subdivision, NEW.latitude, NEW.longitude, NEW.asn, NEW.prefix_only, NEW.as_only, NEW.country_only, NEW.region_only,
         NEW.other_countries, NEW.excluded_countries, NEW.ipv4, NEW.ipv6, NEW.file_maxsize, NEW.operator_name, NEW.operator_url,
         NEW.public_note, NEW.down, NEW.down_reason, NEW.standing,
         NEW.standing_reason))
  EXECUTE FUNCTION bump_mirror_rev();

-- What changed of a mirror: a way's health ("https/ipv6"), its standing, whether it is enabled. Nobody writes it but the triggers
-- below. No foreign key: what happened stays known when the mirror is deleted.
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
  END IF;
  IF NEW.enabled <> OLD.enabled THEN
    INSERT INTO event (mirror_id, mirror, what, "from", "to")
      VALUES (NEW.id, NEW.identifier, 'enabled', CASE WHEN OLD.enabled THEN 'yes' ELSE 'no' END,
              CASE WHEN NEW.enabled THEN 'yes' ELSE 'no' END);
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
CREATE TRIGGER health_note AFTER INSERT OR UPDATE OR DELETE ON health FOR EACH ROW EXECUTE FUNCTION note_health();
REVOKE EXECUTE ON FUNCTION bump_mirror_rev(), note_mirror_event(), note_health() FROM PUBLIC;
