-- The queue counts failed scans itself, once a scan however many ways were tried, and what a worker took and never ended.
ALTER TABLE scan_queue ADD COLUMN attempts integer NOT NULL DEFAULT 0, ADD COLUMN failures integer NOT NULL DEFAULT 0,
  ADD COLUMN failing_since timestamptz, ADD COLUMN known_rev bigint NOT NULL DEFAULT -1,
  ADD CONSTRAINT scan_queue_failing_range CHECK (
    failing_since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00');
UPDATE scan_queue q SET failures = bad.scans, failing_since = bad.since FROM (
  SELECT s.mirror_id, count(*) AS scans, min(s.ended) AS since FROM scan s
  WHERE s.subtree = '' AND s.outcome IN ('failed', 'refused') AND s.started > coalesce(
    (SELECT max(g.started) FROM scan g
     WHERE g.mirror_id = s.mirror_id AND g.subtree = '' AND g.outcome IN ('merged', 'unchanged')), '-infinity')
    AND s.started > coalesce((SELECT max(e.at) FROM event e
                              WHERE e.mirror_id = s.mirror_id AND e.what = 'enabled' AND e."to" = 'yes'), '-infinity')
  GROUP BY s.mirror_id) bad
  WHERE q.mirror_id = bad.mirror_id AND q.subtree = '';
UPDATE scan_queue q SET known_rev = coalesce((
  SELECT max(s.rev) FROM scan s WHERE s.mirror_id = q.mirror_id AND s.subtree = '' AND s.outcome IN ('merged', 'unchanged')), -1)
  WHERE q.subtree = '';
UPDATE mirror SET scan_interval = '' WHERE scan_interval ~ '^[0.]+$';
ALTER TABLE mirror DROP CONSTRAINT mirror_scan_interval_shape;
ALTER TABLE mirror ADD CONSTRAINT mirror_scan_interval_shape CHECK (
  scan_interval ~ '^([0-9]{1,4}([.][0-9]{1,3})?)?$' AND scan_interval !~ '^[0.]+$');

-- Disables a mirror that cannot be listed, and says why; '' when there is no reason to.
CREATE OR REPLACE FUNCTION disable_failing_mirror(which smallint, least_failures integer, least_age interval) RETURNS text
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
    UPDATE scan_queue SET due = least(due, now()), asked = now(), attempts = 0, failures = 0, failing_since = NULL
      WHERE NEW.enabled AND mirror_id = NEW.id AND subtree = '';
  END IF;
  RETURN NULL;
END $$;
