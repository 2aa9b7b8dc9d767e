-- What each role may do: columns, where a table holds more than the role needs. Applied after the schema and after every
-- migration; a role that does not exist is left out. Rights that a role had before are taken away first.

-- PUBLIC: nothing runs with the owner's rights that a role was not given. A backup does not keep this.
-- role: PUBLIC
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
              FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE n.nspname = '{schema}' AND (p.prosecdef OR p.proname = 'write_audit') LOOP
    EXECUTE 'REVOKE EXECUTE ON FUNCTION ' || name || ' FROM PUBLIC';
  END LOOP;
END $$;

-- mirror_httpd: what a redirect reads, and nothing personal. Other programs of the web server have its rights too, so it does
-- not see staged files; it does hear of those that were shown before, to forget them.
-- role: mirror_httpd
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM mirror_httpd;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM mirror_httpd;
GRANT USAGE ON SCHEMA {schema} TO mirror_httpd;
GRANT SELECT ON schema_version, revision, change, mirror_rev, mirror_prefix, path_rule, pause, mutable_group, anchor_version, cohort, file,
  hash, source TO mirror_httpd;
GRANT SELECT (id, identifier, http_url, https_url, enabled, online, weight, country, region, subdivision, latitude, longitude,
              asn, prefix_only, as_only, country_only, region_only, other_countries, excluded_countries, ipv4, ipv6, file_maxsize,
              operator_name, operator_url, public_note, last_scan, down, down_reason, standing, max_mbit, places,
              standing_since, standing_reason) ON mirror TO mirror_httpd;
GRANT EXECUTE ON FUNCTION note_redirector(text, text, bigint, bytea[], double precision[]) TO mirror_httpd;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_policy WHERE polname = 'httpd_file') THEN
    CREATE POLICY httpd_file ON file FOR SELECT TO mirror_httpd USING (NOT staged OR was_shown);
    CREATE POLICY httpd_hash ON hash FOR SELECT TO mirror_httpd
      USING (EXISTS (SELECT FROM file WHERE file.id = file_id AND NOT file.staged));
  END IF;
END $$;

-- mirror_scanner: files, cohorts and scans; of a mirror only what scanning finds out. It can enable a mirror (mb-scan --enable),
-- and disable one that could not be listed for long.
-- role: mirror_scanner
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM mirror_scanner;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM mirror_scanner;
GRANT USAGE ON SCHEMA {schema} TO mirror_scanner;
GRANT SELECT ON schema_version, revision, change, mirror_rev, mirror_prefix, endpoint, health, doubt, event, cohort, file, hash, source, scan,
  scan_lock, stamp, source_stamp, behind, path_rule, pause, mutable_group, anchor_version, probe_memory,
  scan_queue, scan_worker, head_turn, demand TO mirror_scanner;
GRANT SELECT (id, identifier, http_url, https_url, ftp_url, strip_prefix, add_prefix, enabled, online,
              weight, country, region, subdivision, latitude, longitude, asn, prefix_only, as_only, country_only, region_only,
              other_countries, excluded_countries, ipv4, ipv6, file_maxsize, operator_name, operator_url, public_note, max_mbit, places,
              stamp_path, max_age, scan_interval, scan_hours, keeps_times, keeps_times_share, time_offset_s, last_scan, down,
              down_reason, standing, standing_since, standing_reason) ON mirror
  TO mirror_scanner;
GRANT INSERT, UPDATE, DELETE ON file, cohort, hash, scan, revision, change, scan_lock, health, doubt, stamp, source_stamp,
  behind, path_rule, mutable_group, anchor_version, probe_memory, scan_queue, scan_worker,
  head_turn TO mirror_scanner;
GRANT UPDATE ON merge_lock TO mirror_scanner;
GRANT UPDATE (grace_s, rev) ON source TO mirror_scanner;
GRANT UPDATE (keeps_times, keeps_times_share, time_offset_s, last_scan) ON mirror TO mirror_scanner;
GRANT USAGE ON SEQUENCE revision_seq, cohort_id_seq TO mirror_scanner;
GRANT EXECUTE ON FUNCTION enable_mirror(smallint), analyze_files(), prune_events(), note_scan_event(smallint, text, text),
  disable_failing_mirror(smallint, integer, interval) TO mirror_scanner;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_policy WHERE polname = 'scanner_file') THEN
    CREATE POLICY scanner_file ON file TO mirror_scanner USING (true);
    CREATE POLICY scanner_hash ON hash TO mirror_scanner USING (true);
  END IF;
END $$;

-- mirror_admin: all data; the schema itself stays with its owner.
-- role: mirror_admin
GRANT USAGE ON SCHEMA {schema} TO mirror_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO mirror_admin;
REVOKE INSERT, UPDATE, DELETE ON schema_version FROM mirror_admin;
REVOKE UPDATE, DELETE ON mirror_comment FROM mirror_admin;  -- a history
REVOKE INSERT, UPDATE ON event FROM mirror_admin;
REVOKE INSERT, UPDATE, DELETE ON audit FROM mirror_admin;
REVOKE UPDATE ON mirror_comment FROM mirror_admin;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO mirror_admin;
GRANT EXECUTE ON FUNCTION enable_mirror(smallint), analyze_files(), prune_events(), note_scan_event(smallint, text, text),
  disable_failing_mirror(smallint, integer, interval) TO mirror_admin;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_policy WHERE polname = 'admin_file') THEN
    CREATE POLICY admin_file ON file TO mirror_admin USING (true);
    CREATE POLICY admin_hash ON hash TO mirror_admin USING (true);
  END IF;
END $$;
