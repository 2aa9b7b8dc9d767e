-- A history of remarks on each mirror: for `mb comment`.
-- What admins noted of a mirror, and when; what holds for long is mirror.private_comment. by: as in audit.
CREATE TABLE mirror_comment (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT date_trunc('second', now()),
  by text NOT NULL DEFAULT coalesce(nullif(current_setting('mirror.operator', true), ''), session_user),
  text text NOT NULL,
  CONSTRAINT mirror_comment_text_length CHECK (octet_length(text) BETWEEN 1 AND 10000),
  CONSTRAINT mirror_comment_by_length CHECK (octet_length(by) BETWEEN 1 AND 200),
  CONSTRAINT mirror_comment_at_range CHECK (at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
CREATE INDEX mirror_comment_mirror ON mirror_comment (mirror_id, at);
