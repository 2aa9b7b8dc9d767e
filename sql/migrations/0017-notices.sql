-- What `mb notify` has sent: for each target of the configuration, and each recipient of one that writes to many.
CREATE TABLE notice (
  target text NOT NULL,
  recipient text NOT NULL DEFAULT '',
  last_event bigint NOT NULL,
  sent timestamptz[] NOT NULL DEFAULT '{}',
  failures integer NOT NULL DEFAULT 0,
  retry_at timestamptz,
  error text NOT NULL DEFAULT '',
  PRIMARY KEY (target, recipient)
);
