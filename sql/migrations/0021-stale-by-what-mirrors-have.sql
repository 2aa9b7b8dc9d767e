-- A mirror is stale also by what it has: by its stamp, and by files that it has in an old version. Each is a doubt of its own.
ALTER TABLE mirror ADD COLUMN stamp_path text NOT NULL DEFAULT '',
  ADD COLUMN max_age text NOT NULL DEFAULT '',
  ADD CONSTRAINT mirror_stamp_path_shape CHECK (octet_length(stamp_path) <= 1024 AND
    stamp_path !~ '^/|/$|//|(^|/)[.]{1,2}(/|$)|[[:cntrl:]]'),
  ADD CONSTRAINT mirror_max_age_shape CHECK (max_age ~ '^(never|[0-9]{1,4}([.][0-9]{1,3})?)?$');
ALTER TABLE doubt DROP CONSTRAINT doubt_kind_known,
  ADD CONSTRAINT doubt_kind_known CHECK (kind IN ('stale', 'stamp', 'files', 'wrong', 'returning'));
CREATE OR REPLACE FUNCTION note_doubt() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
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
-- newer one of them, and how many of the files that changed last these were.
CREATE TABLE behind (
  mirror_id smallint PRIMARY KEY REFERENCES mirror ON DELETE CASCADE,
  since timestamptz NOT NULL,
  old_files integer NOT NULL,
  of_files integer NOT NULL,
  CONSTRAINT behind_since_range CHECK (since BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  CONSTRAINT behind_files_range CHECK (old_files BETWEEN 0 AND of_files)
);
