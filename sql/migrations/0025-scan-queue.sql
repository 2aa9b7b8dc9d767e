-- Mirrors are listed when they are due, by any number of workers: the queue, who works on it, and how a mirror wants it.
ALTER TABLE mirror ADD COLUMN scan_interval text NOT NULL DEFAULT '', ADD COLUMN scan_hours text NOT NULL DEFAULT '',
  ADD CONSTRAINT mirror_scan_interval_shape CHECK (scan_interval ~ '^([0-9]{1,4}([.][0-9]{1,3})?)?$'),
  ADD CONSTRAINT mirror_scan_hours_shape CHECK (scan_hours ~ '^(([01]?[0-9]|2[0-3])-([01]?[0-9]|2[0-4]))?$');

CREATE TABLE scan_queue (
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  subtree bytea NOT NULL DEFAULT '',
  due timestamptz NOT NULL DEFAULT now(),
  asked timestamptz NOT NULL DEFAULT now(),
  taken_until timestamptz,
  PRIMARY KEY (mirror_id, subtree),
  CONSTRAINT scan_queue_subtree_length CHECK (octet_length(subtree) <= 2048),
  CONSTRAINT scan_queue_time_range CHECK (
    due BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND asked BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND taken_until BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
CREATE TABLE scan_worker (
  host text NOT NULL,
  process integer NOT NULL,
  near text NOT NULL DEFAULT '',
  seen timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (host, process)
);

CREATE FUNCTION is_scan_hour(hours text) RETURNS boolean LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT CASE WHEN hours = '' THEN true WHEN first <= past THEN hour >= first AND hour < past
              ELSE hour >= first OR hour < past END
  FROM (SELECT split_part(hours, '-', 1) AS f, split_part(hours, '-', 2) AS p) AS parts,
       LATERAL (SELECT CASE WHEN hours = '' THEN 0 ELSE f::integer END AS first,
                       CASE WHEN hours = '' THEN 0 ELSE p::integer END AS past,
                       extract(hour FROM now() AT TIME ZONE 'UTC')::integer AS hour) AS read $$;

CREATE FUNCTION disable_failing_mirror(which smallint, least_failures integer, least_age interval) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  good timestamptz := (SELECT max(ended) FROM scan
                       WHERE mirror_id = which AND subtree = '' AND outcome IN ('merged', 'unchanged'));
  enabled_at timestamptz := (SELECT max(at) FROM event WHERE mirror_id = which AND what = 'enabled' AND "to" = 'yes');
  bad record;
  why text;
BEGIN
  SELECT count(*) AS scans, min(started) AS began INTO bad FROM scan
    WHERE mirror_id = which AND subtree = '' AND outcome IN ('failed', 'refused')
      AND started > greatest(good, enabled_at, '-infinity');
  IF coalesce(least_failures, 0) < 1 OR least_age IS NULL OR bad.scans < least_failures
     OR greatest(good, enabled_at, bad.began) > now() - least_age THEN
    RETURN '';
  END IF;
  -- When nobody can be listed, it is not the mirrors that are ill.
  IF (SELECT 2 * count(*) FILTER (WHERE NOT EXISTS (
          SELECT FROM scan s WHERE s.mirror_id = m.id AND s.subtree = '' AND s.outcome IN ('merged', 'unchanged')
            AND s.ended > now() - least_age)) > count(*) FROM mirror m WHERE enabled) THEN
    RETURN '';
  END IF;
  why := format('%s scans failed in a row, and there was no good one since %s', bad.scans,
                to_char(greatest(good, enabled_at, bad.began) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'));
  PERFORM set_config('mirror.why', why, true);
  UPDATE mirror SET enabled = false WHERE id = which AND enabled;
  RETURN CASE WHEN FOUND THEN why ELSE '' END;
END $$;
REVOKE EXECUTE ON FUNCTION disable_failing_mirror(smallint, integer, interval) FROM PUBLIC;

CREATE OR REPLACE FUNCTION note_mirror_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
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
    UPDATE scan_queue SET due = least(due, now()), asked = now() WHERE NEW.enabled AND mirror_id = NEW.id AND subtree = '';
  END IF;
  RETURN NULL;
END $$;
