-- Each folder of a mutable group (path_rule) that the source has, and who may serve its members: the mirrors that have all of
-- them. Every merge keeps it right (lib/db/merge/groups.cc). cohorts: those of the members; 0 stands for one that nobody has for
-- sure. anchored: false once the anchor is gone; then the folder is none of a group, and the row tells replicas so. rev: of the
-- merge that last changed what replicas read.
CREATE TABLE mutable_group (
  folder bytea PRIMARY KEY,
  anchored boolean NOT NULL,
  cohorts bigint[] NOT NULL DEFAULT '{}',
  mirrors smallint[] NOT NULL DEFAULT '{}',
  rev bigint NOT NULL,
  CONSTRAINT mutable_group_folder_length CHECK (octet_length(folder) <= 2048),
  CONSTRAINT mutable_group_rev_range CHECK (rev BETWEEN 0 AND 1152921504606846976)
);
