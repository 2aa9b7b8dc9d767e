#include "core/sums_line.h"

#include "fuzz.h"

using namespace mirror;

// One line of a list to import.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto line = parse_sums_line({reinterpret_cast<const char*>(data), size});
  if (!line) return 0;
  require(!line->name.empty() && line->name.size() < size && !line->name.starts_with("./"));
  const std::size_t length = line->value.size();
  require(length == 16 || length == 20 || length == 32 || length == 64);
  require(line->digest == (length == 16   ? &FileHashes::md5
                           : length == 20 ? &FileHashes::sha1
                           : length == 32 ? &FileHashes::sha256
                                          : &FileHashes::sha512));
  return 0;
}
