-- Versions of the anchors of mutable groups (path_rule), as far as their hashes are known and their rule has alternates_s: the
-- present one (replaced_at NULL) and the newest former ones, whose hashes Metalinks give out. mirrors: those that matched the whole
-- group and this version of its anchor when that was last so for any, at whole_at by the merge whole_rev, and that no merge has
-- seen in another state since. cohorts: those of all files in the folder, so that a merge finds the rows to look at. Every merge
-- keeps it right (lib/db/merge/anchor_versions.cc).
CREATE TABLE anchor_version (
  path bytea NOT NULL,
  version_rev bigint NOT NULL,
  folder bytea NOT NULL,
  size bigint NOT NULL,
  mtime bigint NOT NULL,
  replaced_at timestamptz,
  md5 bytea,
  sha1 bytea,
  sha256 bytea,
  sha512 bytea,
  mirrors smallint[] NOT NULL DEFAULT '{}',
  whole_rev bigint NOT NULL,
  whole_at timestamptz NOT NULL DEFAULT now(),
  cohorts bigint[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (path, version_rev),
  CONSTRAINT anchor_version_size_range CHECK (size >= 0),
  CONSTRAINT anchor_version_rev_range CHECK (
    version_rev BETWEEN 0 AND 1152921504606846976 AND whole_rev BETWEEN 0 AND 1152921504606846976),
  CONSTRAINT anchor_version_replaced_range CHECK (
    replaced_at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00'),
  CONSTRAINT anchor_version_digest_known CHECK (num_nonnulls(md5, sha1, sha256, sha512) > 0),
  CONSTRAINT anchor_version_digest_lengths CHECK (
    coalesce(octet_length(md5), 16) = 16 AND coalesce(octet_length(sha1), 20) = 20
    AND coalesce(octet_length(sha256), 32) = 32 AND coalesce(octet_length(sha512), 64) = 64),
  CONSTRAINT anchor_version_mirrors_known CHECK (array_position(mirrors, NULL) IS NULL)
);
CREATE INDEX anchor_version_folder ON anchor_version (folder);
