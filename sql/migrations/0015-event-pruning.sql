-- Nobody may change events; the prober may let the old ones go.
CREATE FUNCTION prune_events() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
WITH old AS (DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < now() - interval '400 days' ORDER BY at LIMIT 10000)
             RETURNING 1)
SELECT count(*) FROM old $$;
REVOKE EXECUTE ON FUNCTION prune_events() FROM PUBLIC;
