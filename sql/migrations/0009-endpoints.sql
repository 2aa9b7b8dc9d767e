-- How a mirror is listed is no longer a column for each method, but a row for each.
CREATE TABLE endpoint (
  mirror_id smallint NOT NULL REFERENCES mirror ON DELETE CASCADE,
  method text NOT NULL,
  url text NOT NULL DEFAULT '',
  options text[] NOT NULL DEFAULT '{}',
  priority integer NOT NULL DEFAULT 0,
  PRIMARY KEY (mirror_id, method),
  CONSTRAINT endpoint_method_shape CHECK (method ~ '^[a-z][a-z0-9]{0,19}$'),
  CONSTRAINT endpoint_url_shape CHECK (url ~ '^([a-z][a-z0-9+.-]*://[^/[:space:][:cntrl:]]+/[^[:space:][:cntrl:]]*)?$'),
  CONSTRAINT endpoint_rsync_url_shape CHECK (
    method <> 'rsync' OR url ~ '^(rsync://[^/[:space:][:cntrl:]]+/([^[:space:][:cntrl:]]*/)?)?$'),
  CONSTRAINT endpoint_url_length CHECK (length(url) <= 2048),
  CONSTRAINT endpoint_options_shape CHECK (
    array_position(options, NULL) IS NULL AND array_to_string(options, ' ') !~ '[[:cntrl:]]')
);
INSERT INTO endpoint (mirror_id, method, url, options)
  SELECT id, 'rsync', rsync_url, rsync_options FROM mirror WHERE rsync_url <> '' OR rsync_options <> '{}';
ALTER TABLE mirror DROP CONSTRAINT mirror_url_length, DROP COLUMN rsync_url, DROP COLUMN rsync_options,
  ADD CONSTRAINT mirror_url_length CHECK (
    greatest(length(http_url), length(https_url), length(ftp_url), length(operator_url)) <= 2048);
