// The readers of other systems' records, each in a file of its own. All are pure, but for the two
// that read a database. They throw FormatError for what they cannot read.
#pragma once

#include <string>
#include <string_view>

#include "moving/moved_mirror.h"

namespace mirror::db {
class Connection;
}

namespace mirror::moving {

// What `mb export json` writes: {"mirrors": [{"identifier": …, column: value, …}, …]}, or the list
// alone, each with comments too. Numbers, booleans and lists of texts are as they should be; null
// is an empty value.
MovedMirrors read_json(std::string_view text);

// A table with a line of column names (RFC 4180): identifier, serves_first, and columns.
MovedMirrors read_csv(std::string_view text);

// Debian's Mirrors.masterlist. `section`: the archive of which the URLs are, as Archive, CDImage or
// Ports.
MovedMirrors read_masterlist(std::string_view text, std::string_view section);

// Gentoo's list of mirrors in XML.
MovedMirrors read_gentoo(std::string_view text);

// Of mirrorbits: what `mirrorbits show` prints and `redis-cli HGETALL MIRROR_n` answers, a block
// each with an empty line between them; and `mirrorbits export mirmon` or `rsync`.
MovedMirrors read_mirrorbits(std::string_view text);

// Fedora's MirrorManager: its hosts in JSON, as doc/examples/mirrormanager.sql makes it of its
// database: [{"name": …, "site": {…}, "categories": [{"category": …, "urls": [{"url": …}]}], …}],
// or
// {"hosts": […]}. `category`: the one of which the URLs are; "": the only one that there is.
MovedMirrors read_mirrormanager(std::string_view text, std::string_view category);

// MirrorBrain's and MirrorCache's databases, of which nothing is changed. Throw db::Error.
MovedMirrors read_mirrorbrain(db::Connection&);
MovedMirrors read_mirrorcache(db::Connection&);

}  // namespace mirror::moving
