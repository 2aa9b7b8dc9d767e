-- What mb.toml says of paths of the tree, in its order; who scans the source writes it. An immutable file never gets other
-- content. A mutable group is the folder of an anchor: glob fits the folder, anchors and signatures are names in it, and
-- alternates_s says how long the hashes of an anchor's former versions are given out. core/path_glob.h says what a pattern is.
CREATE TABLE path_rule (
  position integer PRIMARY KEY,
  kind text NOT NULL,
  glob text NOT NULL,
  anchors text[] NOT NULL DEFAULT '{}',
  signatures text[] NOT NULL DEFAULT '{}',
  alternates_s double precision NOT NULL DEFAULT 0,
  CONSTRAINT path_rule_kind_known CHECK (kind IN ('immutable', 'mutable')),
  CONSTRAINT path_rule_glob_length CHECK (octet_length(glob) BETWEEN 1 AND 255),
  CONSTRAINT path_rule_names_known CHECK (array_position(anchors || signatures, NULL) IS NULL),
  CONSTRAINT path_rule_anchor_needed CHECK ((kind = 'mutable') = (cardinality(anchors) > 0)),
  CONSTRAINT path_rule_alternates_range CHECK (alternates_s BETWEEN 0 AND 31622400)
);
CREATE TRIGGER mirror_rev_rules AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON path_rule
  FOR EACH STATEMENT EXECUTE FUNCTION bump_mirror_rev();
