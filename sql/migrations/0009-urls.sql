-- URLs that httpd cannot use, or would send to clients with a password in them, are not taken any more.
-- Which URLs a mirror may have, exactly as lib/core/url.cc says it: t/db/urls_test.cc compares the two.
CREATE FUNCTION is_host_and_port(authority text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT (port ~ '^(:(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))?$' AND CASE
    WHEN host LIKE '[%' THEN
      host ~ '^\[(([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?)\]$'
      AND (host NOT LIKE '%::%' OR cardinality(array_remove(string_to_array(btrim(host, '[]'), ':'), '')) <= 7)
    WHEN octet_length(host) > 253 THEN false
    WHEN name ~ '(^|\.)([0-9]+|0[xX][0-9A-Fa-f]*)$' THEN
      name ~ '^(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}$'
    ELSE name ~ '^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$'
  END) IS TRUE
  FROM (SELECT coalesce(substring(authority FROM '^\[[^]]*\]'), substring(authority FROM '^[^:]*')) AS host) AS h,
    LATERAL (SELECT substr(authority, length(host) + 1) AS port, regexp_replace(host, '\.$', '') AS name) AS p
$$;
-- The URL of a folder, which files' paths are put behind: `scheme` is http, https or ftp.
CREATE FUNCTION is_mirror_url(url text, scheme text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT (octet_length(url) <= 2048 AND starts_with(url, scheme || '://')
    AND is_host_and_port(substring(url FROM '^[a-z]+://([^/?#]*)'))
    AND url ~ '^[a-z]+://[^/?#]*/(([A-Za-z0-9._~!$&''()*+,;=:@/-]|%[0-9A-Fa-f]{2})*/)?$'
    AND url !~* '%00|/([.]|%2e){1,2}/') IS TRUE
$$;
CREATE FUNCTION is_rsync_url(url text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT (octet_length(url) <= 2048 AND url ~ '^rsync://[^/]*/+[^/]' AND url !~ '[\u0001-\u001f\u007f]'
    AND url ~ '^rsync://([^-:@/\u0020][^:@/\u0020]*@)?[^@/]*/'
    AND is_host_and_port(substring(url FROM '^rsync://(?:[^@/]*@)?([^@/]*)/'))) IS TRUE
$$;
-- A page for people.
CREATE FUNCTION is_page_url(url text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT (octet_length(url) <= 2048 AND url ~ '^https?://[^/?#]' AND url !~ '[\u0001-\u0020\u007f]'
    AND is_host_and_port(substring(url FROM '^https?://([^/?#]*)'))) IS TRUE
$$;

ALTER TABLE mirror DROP CONSTRAINT mirror_http_url_shape, DROP CONSTRAINT mirror_https_url_shape,
  DROP CONSTRAINT mirror_rsync_url_shape, DROP CONSTRAINT mirror_ftp_url_shape, DROP CONSTRAINT mirror_operator_url_shape,
  DROP CONSTRAINT mirror_url_length;

-- What is there and cannot stay goes into the private comment, and is told. A mirror without any other web URL is disabled; since
-- it needs one, it gets one that leads nowhere (RFC 6761 section 6.4).
CREATE TEMP TABLE migration_note (line text NOT NULL) ON COMMIT DROP;
DO $$
DECLARE
  bad record;
  last_one boolean;
  kept text;
BEGIN
  FOR bad IN
    SELECT id, identifier, name, url FROM mirror, LATERAL (VALUES
      ('http_url', http_url, is_mirror_url(http_url, 'http')), ('https_url', https_url, is_mirror_url(https_url, 'https')),
      ('rsync_url', rsync_url, is_rsync_url(rsync_url)), ('ftp_url', ftp_url, is_mirror_url(ftp_url, 'ftp')),
      ('operator_url', operator_url, is_page_url(operator_url))) AS u (name, url, fits)
    WHERE url <> '' AND NOT fits ORDER BY identifier, name
  LOOP
    EXECUTE format('SELECT %L IN (''http_url'', ''https_url'') AND (http_url = '''' OR https_url = '''') FROM mirror WHERE id = %s',
      bad.name, bad.id) INTO last_one;
    -- rsync's user stays; the password belongs into a file.
    kept := CASE WHEN bad.name = 'rsync_url' THEN regexp_replace(bad.url, '^(rsync://[^/@:]+):[^/@]*@', '\1@') ELSE '' END;
    IF kept = '' OR kept = bad.url OR NOT is_rsync_url(kept) THEN
      kept := CASE WHEN last_one THEN replace(bad.name, '_url', '') || '://unusable.invalid/' ELSE '' END;
    END IF;
    EXECUTE format('UPDATE mirror SET %I = %L, enabled = enabled AND NOT %L, private_comment = concat_ws('' '', '
      'nullif(private_comment, ''''), %L) WHERE id = %s',
      bad.name, kept, last_one,
      format('[%s was %s]', bad.name, bad.url), bad.id);
    IF kept LIKE 'rsync:%' THEN
      INSERT INTO migration_note VALUES (format(
        'mirror ''%s'': the password of its rsync_url stands in the private comment now: put it into a file, and name that in mb.toml '
        'with rsync_password_file', bad.identifier));
      CONTINUE;
    END IF;
    INSERT INTO migration_note VALUES (format(
      'mirror ''%s'': the %s ''%s'' cannot be used and stands in the private comment now%s: mb edit %s --%s URL sets a good one',
      bad.identifier, bad.name, regexp_replace(bad.url, '^([a-z]+://[^/@:]*):[^/@]*@', '\1:***@'),
      CASE WHEN last_one THEN '; the mirror has no other URL and is disabled' ELSE '' END,
      bad.identifier, replace(bad.name, '_', '-')));
  END LOOP;
END $$;

ALTER TABLE mirror
  ADD CONSTRAINT mirror_http_url_shape CHECK (http_url = '' OR is_mirror_url(http_url, 'http')),
  ADD CONSTRAINT mirror_https_url_shape CHECK (https_url = '' OR is_mirror_url(https_url, 'https')),
  ADD CONSTRAINT mirror_rsync_url_shape CHECK (rsync_url = '' OR is_rsync_url(rsync_url)),
  ADD CONSTRAINT mirror_ftp_url_shape CHECK (ftp_url = '' OR is_mirror_url(ftp_url, 'ftp')),
  ADD CONSTRAINT mirror_operator_url_shape CHECK (operator_url = '' OR is_page_url(operator_url));
