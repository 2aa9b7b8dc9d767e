#include "answer/wishes.h"

#include "fuzz.h"

using namespace mirror;

// Whatever Want-Digest, Want-Repr-Digest and Accept say, what is answered is fit for a header and
// holds no more than is known.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  FileHashes hashes;
  hashes.sha256 = std::string(32, '\xff');
  hashes.md5 = std::string(16, '\0');
  for (const std::string& value : {digest_value(hashes, text), repr_digest_value(hashes, text)}) {
    require(!has_control_bytes(value) && value.size() < 128);
  }
  require(parse_want_digest(text).size() <= 4);
  const auto which = negotiated_metalink(text, "a/b");
  require(!which || *which == Representation::meta4 || *which == Representation::metalink);
  if (const auto weight = parse_weight(text)) require(*weight >= 0 && *weight <= 1000);
  return 0;
}
