-- What a mirror that is behind shows of some of its old files, so that the next scan finds out whether it has moved at all: ids of
-- files, with the sizes and times that were listed.
ALTER TABLE behind ADD COLUMN shown bigint[] NOT NULL DEFAULT '{}',
  ADD COLUMN shown_sizes bigint[] NOT NULL DEFAULT '{}',
  ADD COLUMN shown_times bigint[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT behind_shown_pairs CHECK (cardinality(shown) = cardinality(shown_sizes)
    AND cardinality(shown) = cardinality(shown_times) AND cardinality(shown) <= 200);
-- Each scan that compares anything reads the files that ever changed.
CREATE INDEX file_earlier ON file (id) WHERE earlier_sizes IS NOT NULL;
