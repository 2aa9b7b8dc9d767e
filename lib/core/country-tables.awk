# Writes the table of countries that place.cc includes, from three files, each named by the variable `reading`:
#   awk -f country-tables.awk reading=regions regions.tab reading=names iso3166.tab reading=zones zone.tab
# The centroid of a country is the direction of the sum of its zones' unit vectors.

/^#/ || NF == 0 { next }
reading == "regions" { for (i = 2; i <= NF; i++) region[$i] = $1; next }
reading == "names" { name[$1] = substr($0, index($0, "\t") + 1); next }
reading == "zones" { add_zone($1, $2) }

# ISO 6709: +DDMM or +DDMMSS, then +DDDMM or +DDDMMSS.
function add_zone(country, coordinates,    second, latitude, longitude) {
  if (coordinates !~ /^[+-][0-9]+[+-][0-9]+$/) fail("'" coordinates "' is no place")
  second = match(substr(coordinates, 2), /[+-]/) + 1
  latitude = radians(substr(coordinates, 1, second - 1), 2)
  longitude = radians(substr(coordinates, second), 3)
  x[country] += cos(latitude) * cos(longitude)
  y[country] += cos(latitude) * sin(longitude)
  z[country] += sin(latitude)
  placed[country] = 1
}

function radians(text, digits,    degrees) {
  degrees = substr(text, 2, digits) + substr(text, 2 + digits, 2) / 60 + substr(text, 4 + digits) / 3600
  return (substr(text, 1, 1) == "-" ? -degrees : degrees) * pi / 180
}

function fail(message) {
  print "country-tables.awk: " FILENAME ":" FNR ": " message > "/dev/stderr"
  failed = 1
  exit 1
}

BEGIN {
  pi = atan2(0, -1)
  name["XK"] = "Kosovo"  # not in ISO 3166-1, but in GeoIP databases
  letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
}

END {
  if (failed) exit 1
  for (i = 1; i <= 26; i++)
    for (j = 1; j <= 26; j++) print_country(substr(letters, i, 1) substr(letters, j, 1))
}

function print_country(code,    place, text) {
  if (!(code in region) && !(code in name)) return
  place = "std::nullopt"
  if (code in placed)
    place = sprintf("Place{%.4f, %.4f}", atan2(z[code], sqrt(x[code] ^ 2 + y[code] ^ 2)) * 180 / pi,
                    atan2(y[code], x[code]) * 180 / pi)
  text = name[code]
  gsub(/["\\]/, "\\\\&", text)
  printf "{\"%s\", Region::%s, %s, \"%s\"},\n", code, (code in region) ? region[code] : "unknown", place, text
}
