-- Why a mirror is not believed: several reasons can hold at once, and its standing is the worst of them.
CREATE TABLE doubt (
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  kind text NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  reason text NOT NULL,
  PRIMARY KEY (mirror_id, kind),
  CONSTRAINT doubt_kind_known CHECK (kind IN ('stale', 'wrong', 'returning')),
  CONSTRAINT doubt_reason_shape CHECK (octet_length(reason) <= 500 AND reason !~ '[[:cntrl:]]'),
  CONSTRAINT doubt_since_range CHECK (since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
INSERT INTO doubt (mirror_id, kind, since, reason)
  SELECT id, standing, standing_since, standing_reason FROM mirror WHERE standing <> 'good';
CREATE FUNCTION note_doubt() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  which smallint := CASE WHEN TG_OP = 'DELETE' THEN OLD.mirror_id ELSE NEW.mirror_id END;
BEGIN
  -- The statements below see what others had committed when they got this lock.
  PERFORM FROM mirror WHERE id = which FOR NO KEY UPDATE;
  UPDATE mirror SET standing = worst.kind, standing_reason = worst.reason, standing_since = worst.since
    FROM (SELECT kind, reason, since FROM (SELECT kind, reason, since FROM doubt WHERE mirror_id = which
                                           UNION ALL SELECT 'good', '', now()) AS found
          ORDER BY array_position(ARRAY['wrong', 'returning', 'stale', 'good'], kind) LIMIT 1) AS worst
    WHERE id = which AND (standing, standing_reason) IS DISTINCT FROM (worst.kind, worst.reason);
  RETURN NULL;
END $$;
CREATE TRIGGER doubt_note AFTER INSERT OR UPDATE OR DELETE ON doubt FOR EACH ROW EXECUTE FUNCTION note_doubt();
REVOKE EXECUTE ON FUNCTION note_doubt() FROM PUBLIC;
