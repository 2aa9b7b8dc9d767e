-- To which host a mirror redirects, and events of certificates that end soon.
ALTER TABLE health ADD COLUMN final_host text NOT NULL DEFAULT '',
  ADD CONSTRAINT health_final_host_shape CHECK (octet_length(final_host) <= 300 AND final_host !~ '[[:cntrl:]]');
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
REVOKE EXECUTE ON FUNCTION note_certificate() FROM PUBLIC;
