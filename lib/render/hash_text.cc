#include "core/encode.h"
#include "render/representation.h"

namespace mirror {
namespace {

// As coreutils' md5sum writes names, so that `md5sum -c` reads them.
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void render_hash_line(std::string& out, const Subject& subject, std::string_view digest) {
  if (subject.settings.suppress_filenames) {
    append_hex(out, digest);
  } else {
    const std::string_view name = subject.name();
    const std::string written = escaped(name);
    if (written != name) out += '\\';
    append_hex(out, digest);
    out.append("  ").append(written);
  }
  out += '\n';
}

}  // namespace mirror
