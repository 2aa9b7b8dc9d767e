#include "db/mirror/constraints.h"

#include <iterator>

namespace mirror::db {
namespace {

struct Words {
  std::string_view constraint, words;
};

constexpr Words kWords[] = {
    {"mirror_identifier_unique", "identifier: there is already a mirror with this name"},
    {"mirror_identifier_shape",
     "identifier: 1 to 100 letters, digits, '.', '_' and '-', beginning with a letter or digit"},
    {"mirror_url_needed", "a mirror needs an http_url or an https_url"},
    {"mirror_http_url_shape", "http_url: must be like http://host/path/"},
    {"mirror_https_url_shape", "https_url: must be like https://host/path/"},
    {"endpoint_url_shape", "rsync_url: must be like rsync://host/module/path/"},
    {"endpoint_url_length", "a URL may have at most 2048 bytes"},
    {"endpoint_mirror_id_fkey", "the mirror does not exist any more"},
    {"mirror_ftp_url_shape", "ftp_url: must be like ftp://host/path/"},
    {"mirror_operator_url_shape", "operator_url: must be like https://host/path"},
    {"mirror_strip_prefix_shape",
     "strip_prefix: a relative path without leading or trailing slash and without '.' and '..'"},
    {"mirror_add_prefix_shape",
     "add_prefix: a relative path without leading or trailing slash and without '.' and '..'"},
    {"endpoint_options_shape", "rsync_options: control characters are not allowed"},
    {"mirror_weight_range", "weight: 0 (no redirects) to 1000000; 100 is normal"},
    {"mirror_country_code",
     "country: two letters (ISO 3166-1), or ** for a mirror that counts for every country"},
    {"mirror_region_code", "region: one of AF, AN, AS, EU, NA, OC, SA"},
    {"mirror_subdivision_code",
     "subdivision: one to three letters or digits (ISO 3166-2 without the country)"},
    {"mirror_latitude_range", "latitude: -90 to 90 degrees"},
    {"mirror_longitude_range", "longitude: -180 to 180 degrees"},
    {"mirror_place_complete", "latitude and longitude: give both or none"},
    {"mirror_asn_range", "asn: 0 (unknown) to 4294967295"},
    {"mirror_other_countries_codes",
     "other_countries: two-letter codes (ISO 3166-1), separated by commas"},
    {"mirror_excluded_countries_codes",
     "excluded_countries: two-letter codes (ISO 3166-1), separated by commas"},
    {"mirror_file_maxsize_range", "file_maxsize: 0 (no limit) or a number of bytes"},
    {"mirror_max_mbit_range", "max_mbit: 0 (no limit) to 10000000"},
    {"mirror_places_shape",
     "places: LATITUDE/LONGITUDE/COUNTRY like 50.1/8.7/DE, separated by commas, at most 200"},
    {"mirror_stamp_path_shape",
     "stamp_path: a path below the mirror's URL, without a slash at its beginning or end"},
    {"mirror_max_age_shape", "max_age: a number of hours up to 9999, or never"},
    {"mirror_scan_interval_shape", "scan_interval: a number of hours from 0.001 to 9999"},
    {"mirror_scan_hours_shape", "scan_hours: two hours of the day, as 22-6"},
    {"mirror_operator_name_shape", "operator_name: control characters are not allowed"},
    {"mirror_admin_email_shape", "admin_email: must be like name@host"},
    {"mirror_prefix_asn_range", "prefix: AS numbers go from 1 to 4294967295"},
    {"mirror_comment_text_length", "a comment may have at most 10000 bytes, and some text"},
    {"mirror_comment_by_length", "by: who noted a comment has at most 200 bytes"},
    {"mirror_comment_at_range", "at: a comment is of 1970 or later"},
    {"mirror_prefix_unique", "prefix: this mirror has that network already"},
    {"mirror_prefix_asn_unique", "prefix: this mirror has that AS number already"},
    {"mirror_prefix_mirror_id_fkey", "the mirror does not exist any more"},
    {"hash_digest_known", "a hash needs at least one of MD5, SHA-1, SHA-256 and SHA-512"},
    {"hash_md5_length", "md5: an MD5 has 16 bytes"},
    {"hash_sha1_length", "sha1: a SHA-1 has 20 bytes"},
    {"hash_sha256_length", "sha256: a SHA-256 has 32 bytes"},
    {"hash_sha512_length", "sha512: a SHA-512 has 64 bytes"},
    {"hash_sha1_pieces_length", "sha1_pieces: 20 bytes for each piece, together with piece_bytes"},
    {"hash_piece_bytes_power", "piece_bytes: a power of two from 16384 on"},
    {"hash_pieces_root_length", "pieces_root: a SHA-256 has 32 bytes"},
    {"hash_piece_layer_length", "piece_layer: 32 bytes for each piece"},
    {"hash_btih_length", "btih: an info hash of version 1 has 20 bytes"},
    {"hash_btih_v1_length", "btih_v1: an info hash of version 1 has 20 bytes"},
    {"hash_btmh_length", "btmh: an info hash of version 2 has 32 bytes"},
    {"hash_zsync_complete", "zsync: sums and parameters go together"},
    {"hash_zsync_range", "zsync: parameters that zsync 0.6.2 does not know"},
    {"hash_signature_kind_known", "signature: kind and content go together"},
    {"hash_signature_length", "signature: 1 to 65536 bytes"},
    {"scan_mirror_id_fkey", "the mirror does not exist any more"},
};

}  // namespace

std::string_view constraint_words(std::string_view constraint_name) {
  for (const Words& entry : kWords) {
    if (entry.constraint == constraint_name) return entry.words;
  }
  return {};
}

}  // namespace mirror::db
