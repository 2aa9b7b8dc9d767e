-- What redirects may ask of a mirror, and where it is if it is in several places.
ALTER TABLE mirror ADD COLUMN max_mbit integer NOT NULL DEFAULT 0,
  ADD COLUMN places text[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT mirror_max_mbit_range CHECK (max_mbit BETWEEN 0 AND 10000000),
  ADD CONSTRAINT mirror_places_shape CHECK (cardinality(places) <= 200 AND
    places::text ~ '^[{](-?[0-9]{1,3}([.][0-9]{1,20})?/-?[0-9]{1,3}([.][0-9]{1,20})?/[A-Z]{2}(,|(?=[}])))*[}]$');
DROP TRIGGER mirror_rev_columns ON mirror;
CREATE TRIGGER mirror_rev_columns AFTER UPDATE ON mirror FOR EACH ROW
  WHEN ((OLD.id, OLD.identifier, OLD.http_url, OLD.https_url, OLD.enabled, OLD.online, OLD.weight, OLD.country, OLD.region,
         OLD.subdivision, OLD.latitude, OLD.longitude, OLD.asn, OLD.prefix_only, OLD.as_only, OLD.country_only, OLD.region_only,
         OLD.other_countries, OLD.excluded_countries, OLD.ipv4, OLD.ipv6, OLD.file_maxsize, OLD.operator_name, OLD.operator_url,
         OLD.public_note, OLD.down, OLD.down_reason, OLD.standing,
         OLD.standing_reason, OLD.max_mbit, OLD.places)
    IS DISTINCT FROM
        (NEW.id, NEW.identifier, NEW.http_url, NEW.https_url, NEW.enabled, NEW.online, NEW.weight, NEW.country, NEW.region,
         NEW.subdivision, NEW.latitude, NEW.longitude, NEW.asn, NEW.prefix_only, NEW.as_only, NEW.country_only, NEW.region_only,
         NEW.other_countries, NEW.excluded_countries, NEW.ipv4, NEW.ipv6, NEW.file_maxsize, NEW.operator_name, NEW.operator_url,
         NEW.public_note, NEW.down, NEW.down_reason, NEW.standing,
         NEW.standing_reason, NEW.max_mbit, NEW.places))
  EXECUTE FUNCTION bump_mirror_rev();
