-- How far a mirror without any index has been asked for its files one by one (lib/db/merge/head_turn.h).
CREATE TABLE head_turn (
  mirror_id smallint PRIMARY KEY REFERENCES mirror ON DELETE CASCADE,
  rev bigint NOT NULL,
  at_rev bigint NOT NULL,
  at_id bigint NOT NULL,
  path bytea NOT NULL
);
