#include "core/address.h"

#include "fuzz.h"

using namespace mirror;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = Address::parse(text)) {
    require(Address::parse(address->text()) == address);
    require(address->located().located() == address->located());
  }
  if (const auto prefix = Prefix::parse(text)) {
    require(Prefix::parse(prefix->text()) == prefix);
    require(prefix->contains(prefix->address));
    require(prefix->length >= 0 && prefix->length <= prefix->address.bits());
  }
  if (const auto raw = Address::from_bytes(text)) require(Address::parse(raw->text()) == raw);
  return 0;
}
