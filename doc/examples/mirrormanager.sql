-- The hosts of Fedora's MirrorManager 2 as JSON, for mb import mirrormanager. Passwords and keys stay there:
--   psql -At -f mirrormanager.sql mirrormanager2 >hosts.json
SELECT json_build_object('hosts', coalesce(json_agg(json_build_object(
  'name', h.name, 'country', h.country, 'bandwidth_int', h.bandwidth_int, 'comment', h.comment,
  'admin_active', h.admin_active, 'user_active', h.user_active, 'private', h.private,
  'internet2', h.internet2, 'internet2_clients', h.internet2_clients, 'asn', h.asn, 'asn_clients', h.asn_clients,
  'max_connections', h.max_connections, 'robot_email', h.robot_email, 'disable_reason', h.disable_reason,
  'latitude', to_jsonb(h) -> 'latitude', 'longitude', to_jsonb(h) -> 'longitude',  -- only newer ones have these columns
  'site', (SELECT json_build_object('name', s.name, 'org_url', s.org_url, 'private', s.private,
      'admin_active', s.admin_active, 'user_active', s.user_active,
      'admins', (SELECT json_agg(a.username ORDER BY a.id) FROM site_admin a WHERE a.site_id = s.id))
    FROM site s WHERE s.id = h.site_id),
  'categories', (SELECT json_agg(json_build_object('category', c.name, 'always_up2date', hc.always_up2date,
      'urls', (SELECT json_agg(json_build_object('url', u.url, 'private', u.private) ORDER BY u.id)
        FROM host_category_url u WHERE u.host_category_id = hc.id)) ORDER BY c.name)
    FROM host_category hc JOIN category c ON c.id = hc.category_id WHERE hc.host_id = h.id),
  'netblocks', (SELECT json_agg(n.netblock ORDER BY n.netblock) FROM host_netblock n WHERE n.host_id = h.id),
  'peer_asns', (SELECT json_agg(p.asn ORDER BY p.asn) FROM host_peer_asn p WHERE p.host_id = h.id),
  'countries_allowed', (SELECT json_agg(a.country ORDER BY a.country) FROM host_country_allowed a WHERE a.host_id = h.id),
  'acl_ips', (SELECT json_agg(i.ip ORDER BY i.ip) FROM host_acl_ip i WHERE i.host_id = h.id),
  'locations', (SELECT json_agg(l.name ORDER BY l.name) FROM host_location hl JOIN location l ON l.id = hl.location_id
    WHERE hl.host_id = h.id),
  'exclusive_dirs', (SELECT json_agg(d.name ORDER BY d.name) FROM directory_exclusive_host e
    JOIN directory d ON d.id = e.directory_id WHERE e.host_id = h.id)
) ORDER BY h.name, h.id), '[]')) FROM host h;
