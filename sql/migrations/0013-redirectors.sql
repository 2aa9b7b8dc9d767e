-- Which redirectors follow this database, and how far each is: for `mb status`.
CREATE TABLE redirector (
  host text NOT NULL,
  catalog text NOT NULL,
  rev bigint NOT NULL,
  seen timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (host, catalog)
);
-- For httpd's role, which writes nothing else: at most once a minute for each catalog. Other programs of the web server may call
-- it too, so there is an end to how much they can write.
CREATE FUNCTION note_redirector(host_name text, directory text, reached bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
BEGIN
  IF host_name !~ '^[A-Za-z0-9._-]{1,255}$' OR octet_length(directory) NOT BETWEEN 1 AND 1024 OR directory ~ '[[:cntrl:]]'
     OR reached NOT BETWEEN 0 AND 1152921504606846976 THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM redirector WHERE host = host_name AND catalog = directory AND seen > now() - interval '50 seconds') THEN
    RETURN;
  END IF;
  DELETE FROM redirector WHERE seen < now() - interval '7 days';
  INSERT INTO redirector (host, catalog, rev) SELECT host_name, directory, reached
    WHERE (SELECT count(*) FROM redirector) < 1000 OR EXISTS (SELECT FROM redirector WHERE host = host_name AND catalog = directory)
    ON CONFLICT (host, catalog) DO UPDATE SET rev = excluded.rev, seen = now();
END $$;
REVOKE EXECUTE ON FUNCTION note_redirector(text, text, bigint) FROM PUBLIC;
