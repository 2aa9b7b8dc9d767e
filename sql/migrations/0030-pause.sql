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
