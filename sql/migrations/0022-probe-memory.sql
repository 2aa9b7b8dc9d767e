-- What a prober remembers of each mirror from one run to the next.
CREATE TABLE probe_memory (
  mirror_id smallint PRIMARY KEY REFERENCES mirror ON DELETE CASCADE,
  checked smallint NOT NULL DEFAULT 0,
  wrong_bits bigint NOT NULL DEFAULT 0,
  right_in_a_row integer NOT NULL DEFAULT 0,
  content_right boolean NOT NULL DEFAULT false,
  impossible_right boolean NOT NULL DEFAULT false,
  walk bigint[] NOT NULL DEFAULT '{}',
  walk_began timestamptz,
  walk_listing bytea,
  CONSTRAINT probe_memory_checked_range CHECK (checked BETWEEN 0 AND 50 AND right_in_a_row >= 0),
  CONSTRAINT probe_memory_walk_shape CHECK (cardinality(walk) <= 100 AND array_position(walk, NULL) IS NULL)
);
-- Files that look like an earlier version of theirs, the newest first; and those that some servers cannot send.
DROP INDEX file_earlier;
CREATE INDEX file_look_alike ON file (version_rev, id) WHERE size = ANY (earlier_sizes);
CREATE INDEX file_large ON file (id) WHERE size > 2147483648;
