-- What each role may do. Applied after the schema and after every migration; a role that does not exist is left out.

-- mirror_httpd: what a redirect reads, and nothing personal.
-- role: mirror_httpd
GRANT SELECT ON schema_version, revision, change, mirror_rev, mirror_prefix, cohort, file, hash, source TO mirror_httpd;
GRANT SELECT (id, identifier, http_url, https_url, enabled, online, weight, country, region, subdivision, latitude, longitude,
              asn, prefix_only, as_only, country_only, region_only, other_countries, excluded_countries, ipv4, ipv6, file_maxsize,
              operator_name, operator_url, public_note, last_scan) ON mirror TO mirror_httpd;

-- mirror_scanner: files, cohorts and scans; of a mirror only what scanning and probing find out, and the switch for --enable.
-- role: mirror_scanner
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO mirror_scanner;
GRANT INSERT, UPDATE, DELETE ON file, cohort, hash, scan, revision, change TO mirror_scanner;
GRANT UPDATE ON source, mirror_rev TO mirror_scanner;
GRANT UPDATE (enabled, online, ipv4, ipv6, keeps_times, keeps_times_share, last_scan) ON mirror TO mirror_scanner;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO mirror_scanner;

-- mirror_admin: all data; the schema itself stays with its owner.
-- role: mirror_admin
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO mirror_admin;
REVOKE INSERT, UPDATE, DELETE ON schema_version FROM mirror_admin;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO mirror_admin;
