-- A schema of our own, in which nobody else may create anything: where PUBLIC may create in schema public, any role could put a
-- function there that our programs would call with their rights.
CREATE SCHEMA IF NOT EXISTS mirror;
DO $$
DECLARE
  here text := current_schema();
  name text;
BEGIN
  IF here = 'mirror' THEN RETURN; END IF;
  FOREACH name IN ARRAY '{schema_version,revision,mirror,mirror_prefix,mirror_rev,cohort,file,change,hash,source,scan}'::text[] LOOP
    EXECUTE format('ALTER TABLE %I.%I SET SCHEMA mirror', here, name);
  END LOOP;
  EXECUTE format('ALTER SEQUENCE %I.revision_seq SET SCHEMA mirror', here);
  FOREACH name IN ARRAY '{notify_replicas,bump_mirror_rev,delete_hashes,empty_hashes}'::text[] LOOP
    EXECUTE format('ALTER FUNCTION %I.%I() SET SCHEMA mirror', here, name);
  END LOOP;
END $$;
SET search_path = mirror, pg_temp;
ALTER FUNCTION bump_mirror_rev() SET search_path = mirror, pg_temp;
ALTER FUNCTION delete_hashes() SET search_path = mirror, pg_temp;
ALTER FUNCTION empty_hashes() SET search_path = mirror, pg_temp;

-- Locks that need the right to write.
CREATE TABLE scan_lock (
  mirror_id smallint PRIMARY KEY,
  backend integer NOT NULL,
  token integer NOT NULL,
  host text NOT NULL,
  process integer NOT NULL,
  program text NOT NULL,
  since timestamptz NOT NULL
);
CREATE TABLE merge_lock ();

-- httpd's role sees no staged files. Replicas have to hear of files that become staged, so those stay visible; which those are
-- was not noted so far, so every replica starts anew.
ALTER TABLE file ADD was_shown boolean NOT NULL DEFAULT false;
UPDATE revision SET token = gen_random_uuid() WHERE EXISTS (SELECT FROM file WHERE staged);
ALTER TABLE file ENABLE ROW LEVEL SECURITY;
ALTER TABLE hash ENABLE ROW LEVEL SECURITY;

-- What the scanner may do beyond its own tables.
CREATE FUNCTION enable_mirror(which smallint) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS
$$ UPDATE mirror SET enabled = true WHERE id = which AND NOT enabled $$;
CREATE FUNCTION analyze_files() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$ BEGIN ANALYZE file, cohort, hash, change, revision; END $$;
REVOKE EXECUTE ON FUNCTION enable_mirror(smallint), analyze_files() FROM PUBLIC;
