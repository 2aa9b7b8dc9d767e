// zsync 0.6.2's control file: header lines, an empty line; the block sums follow. The client takes
// one of the URLs at random, and understands http only.
#include <fmt/format.h>

#include <iterator>

#include "core/encode.h"
#include "core/http_date.h"
#include "render/representation.h"

namespace mirror {

void render_zsync(std::string& out, const Subject& subject) {
  const ZsyncSums& zsync = subject.hashes.zsync;
  out += "zsync: 0.6.2\nFilename: ";
  append_line_text(out, subject.name());
  std::string date = http_date(subject.file.mtime_s);
  date.replace(date.size() - 3, 3, "+0000");
  fmt::format_to(std::back_inserter(out),
                 "\nMTime: {}\nBlocksize: {}\nLength: {}\nHash-Lengths: {},{},{}\n", date,
                 zsync.block_bytes, subject.file.size_bytes, zsync.seq_matches, zsync.rsum_bytes,
                 zsync.md4_bytes);
  for (const Candidate& candidate : subject.mirrors()) {
    out.append("URL: ").append(subject.mirror_url(candidate)).append("\n");
  }
  for (const std::string& last : subject.sole_resorts())
    out.append("URL: ").append(last).append("\n");
  out += "SHA-1: ";
  append_hex(out, subject.hashes.sha1);
  out += "\n\n";
}

}  // namespace mirror
