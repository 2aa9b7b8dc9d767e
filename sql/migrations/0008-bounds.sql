-- Values that readers cannot read, or that would stop all later merges, are refused from now on. What is there of them is put
-- right first: nothing could be made of it anyway.
LOCK TABLE file, cohort, hash, mirror, mirror_rev, revision, change, source, scan IN ACCESS EXCLUSIVE MODE;
UPDATE source SET grace_s = 86400 WHERE NOT grace_s BETWEEN 0 AND 31622400;
UPDATE source SET rev = 0 WHERE rev NOT BETWEEN 0 AND 1152921504606846976;
UPDATE file SET gone_at = now() WHERE gone_at NOT BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00';
UPDATE file SET rev = 0 WHERE rev NOT BETWEEN 0 AND 1152921504606846976;
UPDATE file SET version_rev = 0 WHERE version_rev NOT BETWEEN 0 AND 1152921504606846976;
UPDATE cohort SET mirrors = '{}' WHERE coalesce(array_ndims(mirrors), 1) <> 1;
UPDATE cohort SET mirrors = array_remove(mirrors, NULL) WHERE array_position(mirrors, NULL) IS NOT NULL;
UPDATE cohort SET mirrors = '{}' WHERE cardinality(mirrors) > 32767;
UPDATE cohort SET rev = 0 WHERE rev NOT BETWEEN 0 AND 1152921504606846976;
UPDATE hash SET rev = 0 WHERE rev NOT BETWEEN 0 AND 1152921504606846976;
DELETE FROM revision WHERE rev NOT BETWEEN 0 AND 1152921504606846976;
DELETE FROM change WHERE rev NOT BETWEEN 0 AND 1152921504606846976 OR upto NOT BETWEEN 0 AND 1152921504606846976;
UPDATE mirror SET last_scan = NULL WHERE last_scan NOT BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00';
UPDATE mirror SET keeps_times_share = NULL WHERE keeps_times_share NOT BETWEEN 0 AND 1;
UPDATE scan SET started = now() WHERE started NOT BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00';
UPDATE scan SET ended = now() WHERE ended NOT BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00';
UPDATE mirror_rev SET rev = 1 WHERE rev NOT BETWEEN 1 AND 1152921504606846975;

ALTER TABLE source DROP CONSTRAINT source_grace_range;
ALTER TABLE source ADD CONSTRAINT source_grace_range CHECK (grace_s BETWEEN 0 AND 31622400),
  ADD CONSTRAINT source_rev_range CHECK (rev BETWEEN 0 AND 1152921504606846976);
ALTER TABLE file ADD CONSTRAINT file_gone_range CHECK (
    gone_at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  ADD CONSTRAINT file_rev_range CHECK (
    rev BETWEEN 0 AND 1152921504606846976 AND version_rev BETWEEN 0 AND 1152921504606846976);
ALTER TABLE cohort ADD CONSTRAINT cohort_mirrors_shape CHECK (
    coalesce(array_ndims(mirrors), 1) = 1 AND array_position(mirrors, NULL) IS NULL AND cardinality(mirrors) <= 32767),
  ADD CONSTRAINT cohort_rev_range CHECK (rev BETWEEN 0 AND 1152921504606846976);
ALTER TABLE hash ADD CONSTRAINT hash_rev_range CHECK (rev BETWEEN 0 AND 1152921504606846976);
ALTER TABLE revision ADD CONSTRAINT revision_range CHECK (rev BETWEEN 0 AND 1152921504606846976);
ALTER TABLE change ADD CONSTRAINT change_range CHECK (
    rev BETWEEN 0 AND 1152921504606846976 AND upto BETWEEN 0 AND 1152921504606846976);
ALTER TABLE mirror ADD CONSTRAINT mirror_last_scan_range CHECK (
    last_scan BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  ADD CONSTRAINT mirror_keeps_times_share_range CHECK (keeps_times_share BETWEEN 0 AND 1);
ALTER TABLE scan ADD CONSTRAINT scan_time_range CHECK (
    started BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'
    AND ended BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00');
ALTER TABLE mirror_rev ADD CONSTRAINT mirror_rev_range CHECK (rev BETWEEN 1 AND 1152921504606846976);

CREATE FUNCTION check_revision() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.rev > coalesce(pg_sequence_last_value(format('%I.revision_seq', TG_TABLE_SCHEMA)::regclass), 0) THEN
    RAISE EXCEPTION 'revision % was not given out by revision_seq', NEW.rev USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER revision_known BEFORE INSERT OR UPDATE ON revision FOR EACH ROW EXECUTE FUNCTION check_revision();
CREATE TRIGGER change_known BEFORE INSERT OR UPDATE ON change FOR EACH ROW EXECUTE FUNCTION check_revision();

CREATE FUNCTION check_mirror_rev() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.rev <> OLD.rev + 1 THEN
    RAISE EXCEPTION 'the revision of the mirrors goes up by one' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER mirror_rev_step BEFORE UPDATE ON mirror_rev FOR EACH ROW EXECUTE FUNCTION check_mirror_rev();
