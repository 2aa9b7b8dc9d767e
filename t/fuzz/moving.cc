// Records of other systems, which an admin may have from anywhere.
#include <set>

#include "core/address.h"
#include "fuzz.h"
#include "moving/access_log.h"
#include "moving/formats.h"

using namespace mirror;
using namespace mirror::moving;

namespace {

// Of readers that make the names themselves.
void check_names(const MovedMirrors& moved) {
  std::set<std::string> names;
  for (const MovedMirror& mirror : moved.mirrors) {
    require(!mirror.identifier.empty() && mirror.identifier.size() <= 100);
    require(names.insert(mirror.identifier).second);
    require(mirror.identifier == identifier_from(mirror.identifier));
    for (const auto& [column, value] : mirror.columns) require(!value.empty());
  }
}

// What would be sent to a server: nothing in it ends a line or a URL.
void check_logged(std::string_view line) {
  const auto parsed = parse_log_line(line);
  const auto* request = std::get_if<LoggedRequest>(&parsed);
  if (request == nullptr) return;
  require(request->target.starts_with('/'));
  require(request->client.empty() || Address::parse(request->client).has_value());
  for (const std::string* text : {&request->target, &request->client, &request->user_agent}) {
    for (const char c : *text) require(c >= 0x20 && c < 0x7f);
  }
  require(request->target.find_first_of(" #") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    switch (data[0]) {
      case 'j':
        read_json(text);
        break;
      case 'c':
        read_csv(text);
        break;
      case 'm':
        check_names(read_masterlist(text, "Archive"));
        break;
      case 'l':
        check_logged(text);
        break;
      case 'g':
        check_names(read_gentoo(text));
        break;
      case 'f':
        check_names(read_mirrormanager(text, "Fedora Linux"));
        break;
      default:
        check_names(read_mirrorbits(text));
    }
  } catch (const FormatError&) {
  }
  return 0;
}
