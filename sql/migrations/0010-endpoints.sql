-- How a mirror is listed is no longer a column for each method, but a row for each.
CREATE TABLE endpoint (
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  method text NOT NULL,
  url text NOT NULL DEFAULT '',
  options text[] NOT NULL DEFAULT '{}',
  priority integer NOT NULL DEFAULT 0,
  PRIMARY KEY (mirror_id, method),
  CONSTRAINT endpoint_method_shape CHECK (method ~ '^[a-z][a-z0-9]{0,19}$'),
  CONSTRAINT endpoint_url_shape CHECK (url = '' OR CASE method
    WHEN 'rsync' THEN is_rsync_url(url)
    ELSE url ~ '^[a-z][a-z0-9+.-]*://[^/[:space:][:cntrl:]]+/[^[:space:][:cntrl:]]*$' END),
  CONSTRAINT endpoint_url_length CHECK (octet_length(url) <= 2048),
  CONSTRAINT endpoint_options_shape CHECK (
    array_position(options, NULL) IS NULL AND array_to_string(options, ' ') !~ '[[:cntrl:]]')
);
INSERT INTO endpoint (mirror_id, method, url, options)
  SELECT id, 'rsync', rsync_url, rsync_options FROM mirror WHERE rsync_url <> '' OR rsync_options <> '{}';
ALTER TABLE mirror DROP COLUMN rsync_url, DROP COLUMN rsync_options;
