#include "tools/mb/mirrors/host_place.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "core/url.h"

namespace mirror::mb {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::optional<Address> from_socket(const sockaddr* socket) {
  if (socket->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(socket);
    return Address::from_bytes({reinterpret_cast<const char*>(&v4->sin_addr), sizeof v4->sin_addr});
  }
  if (socket->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(socket);
    return Address::from_bytes(
        {reinterpret_cast<const char*>(&v6->sin6_addr), sizeof v6->sin6_addr});
  }
  return std::nullopt;
}

// Of EAI_AGAIN and EAI_FAIL nothing follows.
bool says_none(int status) {
#ifdef EAI_NODATA
  if (status == EAI_NODATA) return true;
#endif
#ifdef EAI_ADDRFAMILY
  if (status == EAI_ADDRFAMILY) return true;
#endif
  return status == EAI_NONAME;
}

}  // namespace

std::string first_host(const std::vector<std::string>& urls) {
  for (const std::string& url : urls) {
    if (const std::string_view host = url_host(url); !host.empty()) return std::string(host);
  }
  return "";
}

Resolved resolve(const std::string& host) {
  Resolved result;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> owned(status == 0 ? found : nullptr);
  if (status != 0) result.error = ::gai_strerror(status);
  for (const addrinfo* entry = owned.get(); entry != nullptr; entry = entry->ai_next) {
    const auto address = from_socket(entry->ai_addr);
    auto& known = result.addresses;
    if (address && std::find(known.begin(), known.end(), *address) == known.end())
      known.push_back(*address);
  }
  return result;
}

FamilyAnswer ask_family(const std::string& host, Family family) {
  addrinfo hints{};
  hints.ai_family = family == Family::ipv4 ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> owned(status == 0 ? found : nullptr);
  if (status == 0) return {true, ""};
  if (says_none(status)) return {false, ""};
  return {std::nullopt, ::gai_strerror(status)};
}

Client locate_all(const GeoDatabases& geo, const std::vector<Address>& addresses) {
  Client result;
  for (const Address& address : addresses) {
    const Client found = geo.locate(address);
    if (!result.country.known()) result.country = found.country;
    if (result.region == Region::unknown) result.region = found.region;
    // Addresses of one host may lie in several countries; coordinates go with the first one's.
    if (!result.place && found.country == result.country) result.place = found.place;
    if (result.asn == 0) {
      result.asn = found.asn;
      result.as_name = found.as_name;
    }
  }
  if (!addresses.empty()) result.address = addresses.front();
  return result;
}

bool has_family(const std::vector<Address>& addresses, Family family) {
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const Address& a) { return a.family == family; });
}

}  // namespace mirror::mb
