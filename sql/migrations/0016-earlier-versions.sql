-- What a listing can tell of a file: which versions it had before, and by how much a mirror's clock or time zone is off.
ALTER TABLE mirror ADD COLUMN time_offset_s integer NOT NULL DEFAULT 0,
  ADD CONSTRAINT mirror_time_offset_range CHECK (time_offset_s BETWEEN -50400 AND 50400 AND time_offset_s % 900 = 0);
ALTER TABLE file ADD COLUMN earlier_sizes bigint[], ADD COLUMN earlier_times bigint[],
  ADD CONSTRAINT file_earlier_pairs CHECK (
    cardinality(earlier_sizes) IS NOT DISTINCT FROM cardinality(earlier_times));
CREATE INDEX file_earlier ON file (id) WHERE earlier_sizes IS NOT NULL;
-- That a scan that was refused, or that failed, was believed all the same.
CREATE FUNCTION note_scan_event(which smallint, outcome text, why text) RETURNS void LANGUAGE sql SECURITY DEFINER
  SET search_path FROM CURRENT AS
$$ INSERT INTO event (mirror_id, mirror, what, "from", "to", why)
     SELECT id, identifier, 'scan', outcome, 'merged', why FROM mirror WHERE id = which $$;
REVOKE EXECUTE ON FUNCTION note_scan_event(smallint, text, text) FROM PUBLIC;
