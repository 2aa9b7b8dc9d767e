-- Which files are asked for most: redirectors tell, and mb-probe looks at these first.
-- Which files are asked for, as redirectors told: how often until then, where half of what is six hours older counts.
CREATE TABLE demand (
  file_id bigint PRIMARY KEY,
  requests double precision NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT demand_requests_range CHECK (requests BETWEEN 1 AND 1e15),
  CONSTRAINT demand_at_range CHECK (at BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00')
);
CREATE FUNCTION demand_now(requests double precision, at timestamptz) RETURNS double precision LANGUAGE sql STABLE
  SET search_path FROM CURRENT AS
$$ SELECT requests * 0.5 ^ least(extract(epoch FROM greatest(now() - at, interval '0'))::float8 / 21600, 1000) $$;
DROP FUNCTION note_redirector(text, text, bigint);
-- For httpd's role, which writes nothing else: at most once a minute for each catalog. Other programs of the web server may call
-- it too, so there is an end to how much they can write. asked: paths of files, and how often each was asked for since.
CREATE FUNCTION note_redirector(host_name text, directory text, reached bigint, asked bytea[], times double precision[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
BEGIN
  IF host_name !~ '^[A-Za-z0-9._-]{1,255}$' OR octet_length(directory) NOT BETWEEN 1 AND 1024 OR directory ~ '[[:cntrl:]]'
     OR reached NOT BETWEEN 0 AND 1152921504606846976 OR cardinality(asked) <> cardinality(times) OR cardinality(asked) > 1000 THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM redirector WHERE host = host_name AND catalog = directory AND seen > now() - interval '50 seconds') THEN
    RETURN;
  END IF;
  DELETE FROM redirector WHERE seen < now() - interval '7 days';
  INSERT INTO redirector (host, catalog, rev) SELECT host_name, directory, reached
    WHERE (SELECT count(*) FROM redirector) < 1000 OR EXISTS (SELECT FROM redirector WHERE host = host_name AND catalog = directory)
    ON CONFLICT (host, catalog) DO UPDATE SET rev = excluded.rev, seen = now();
  IF NOT FOUND OR cardinality(asked) = 0 THEN
    RETURN;
  END IF;
  BEGIN
    INSERT INTO demand AS d (file_id, requests)
      SELECT f.id, least(sum(a.count), 1e9) FROM unnest(asked, times) a (path, count) JOIN file f ON f.path = a.path
        WHERE a.count >= 1 AND f.kind = 'f' AND f.gone_at IS NULL AND NOT f.staged GROUP BY f.id ORDER BY f.id
      ON CONFLICT (file_id) DO UPDATE SET requests = least(demand_now(d.requests, d.at) + excluded.requests, 1e15), at = now();
    IF (SELECT count(*) FROM demand) > 4000 THEN
      DELETE FROM demand WHERE file_id IN (SELECT file_id FROM demand WHERE file_id NOT IN (
        SELECT file_id FROM demand ORDER BY demand_now(requests, at) DESC, file_id LIMIT 2000) ORDER BY file_id FOR UPDATE SKIP LOCKED);
    END IF;
  EXCEPTION WHEN OTHERS THEN
    NULL;  -- how far the redirector is matters more
  END;
END $$;
REVOKE EXECUTE ON FUNCTION note_redirector(text, text, bigint, bytea[], double precision[]) FROM PUBLIC;
