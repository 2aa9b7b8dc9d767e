#include "rank/rank.h"

#include <cmath>

#include "answer/decide.h"
#include "fuzz.h"

using namespace mirror;

namespace {

CountryCode any_country(FuzzedDataProvider& input) {
  const char* const codes[] = {"", "**", "DE", "FR", "US", "NZ", "XK", "ZZ"};
  return CountryCode::parse(input.PickValueInArray(codes)).value_or(CountryCode());
}

std::optional<Place> any_place(FuzzedDataProvider& input) {
  if (input.ConsumeBool()) return std::nullopt;
  return Place{input.ConsumeFloatingPoint<double>(), input.ConsumeFloatingPoint<double>()};
}

Address any_address(FuzzedDataProvider& input) {
  Address address;
  address.family = input.ConsumeBool() ? Family::ipv6 : Family::ipv4;
  for (int i = 0; i < address.bits() / 8; ++i)
    address.bytes[i] = input.ConsumeIntegral<std::uint8_t>();
  return address;
}

Mirror any_mirror(FuzzedDataProvider& input) {
  Mirror mirror;
  mirror.id = input.ConsumeIntegralInRange<MirrorId>(-2, 40);
  mirror.identifier = input.ConsumeRandomLengthString(20);
  mirror.http_url = input.ConsumeBool() ? "http://m.example/" : input.ConsumeRandomLengthString(20);
  mirror.https_url =
      input.ConsumeBool() ? "https://m.example/" : input.ConsumeRandomLengthString(20);
  mirror.enabled = input.ConsumeProbability<double>() > 0.1;
  mirror.online = input.ConsumeProbability<double>() > 0.1;
  for (const Way way : kWays) {
    if (input.ConsumeProbability<double>() > 0.9) mirror.down.add(way);
  }
  if (const double odd = input.ConsumeProbability<double>(); odd > 0.8)
    mirror.standing = odd > 0.9 ? Standing::wrong : Standing::stale;
  mirror.weight = input.ConsumeBool() ? 100 : input.ConsumeIntegral<int>();
  mirror.country = any_country(input);
  mirror.place = any_place(input);
  mirror.asn = input.ConsumeIntegralInRange<AsNumber>(0, 3);
  mirror.prefix_only = input.ConsumeProbability<double>() > 0.9;
  mirror.as_only = input.ConsumeProbability<double>() > 0.9;
  mirror.country_only = input.ConsumeProbability<double>() > 0.9;
  mirror.region_only = input.ConsumeProbability<double>() > 0.9;
  mirror.ipv4 = input.ConsumeBool();
  mirror.ipv6 = input.ConsumeBool();
  mirror.file_maxsize = input.ConsumeIntegral<std::int64_t>();
  mirror.other_countries = {any_country(input)};
  mirror.excluded_countries = {any_country(input)};
  mirror.prefixes = {{any_address(input), input.ConsumeIntegralInRange(0, 32)}};
  mirror.served_as = {input.ConsumeIntegralInRange<AsNumber>(0, 3)};
  return mirror;
}

void check_order(const Ranking& ranking) {
  for (std::size_t i = 1; i < ranking.accepted.size(); ++i) {
    const Candidate& before = ranking.accepted[i - 1];
    const Candidate& after = ranking.accepted[i];
    const auto group = [](const Candidate& c) {
      return std::tuple(c.oversized, c.tier, !c.speaks_family);
    };
    require(group(before) <= group(after));
  }
}

void check_candidate(const Candidate& candidate, const Client& client, const RankRequest& request) {
  const Mirror& mirror = *candidate.mirror;
  require(mirror.enabled && mirror.online && mirror.weight > 0);
  require(mirror.standing == Standing::good ||
          (request.with_stale && mirror.standing == Standing::stale));
  require(base_url(mirror, request.https, client.address.family)
              .starts_with(request.https ? "https://" : "http"));
  require(client.address.family == Family::ipv6 || mirror.ipv4);
  require(!client.country.known() || mirror.excluded_countries[0] != client.country);
  require(!mirror.prefix_only || candidate.tier == Tier::prefix);
  require(candidate.effective_weight >= 0);
}

void check_head(const std::vector<Candidate>& head, const Ranking& whole, std::size_t how_many) {
  require(head.size() == std::min(how_many, whole.accepted.size()));
  for (std::size_t i = 0; i < head.size(); ++i) {
    const Candidate &a = head[i], &b = whole.accepted[i];
    require(a.oversized == b.oversized && a.tier == b.tier && a.speaks_family == b.speaks_family);
    require(a.effective_weight == b.effective_weight);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  Client client;
  client.address = any_address(input);
  client.country = any_country(input);
  client.region = region_of(client.country);
  client.place = any_place(input);
  client.asn = input.ConsumeIntegralInRange<AsNumber>(0, 3);
  const RankRequest request{input.ConsumeBool(), input.ConsumeIntegral<std::int64_t>(),
                            input.ConsumeIntegral<std::int64_t>(), input.ConsumeBool()};
  const RankSettings settings{input.ConsumeFloatingPoint<double>(),
                              input.ConsumeFloatingPoint<double>(),
                              input.ConsumeIntegral<std::int64_t>()};
  std::vector<Mirror> mirrors;
  std::vector<MirrorId> holders;
  while (input.remaining_bytes() > 0 && mirrors.size() < 50) {
    mirrors.push_back(any_mirror(input));
    holders.push_back(input.ConsumeIntegralInRange<MirrorId>(-2, 40));
  }
  const File file{"a/b", request.size_bytes, 0, holders, false};
  const MirrorTable table(1, mirrors);
  const Ranking ranking = rank(client, request, file.mirrors, table, settings);
  require(ranking.accepted.size() + ranking.rejected.size() == file.mirrors.size());
  check_order(ranking);
  for (const Candidate& candidate : ranking.accepted) check_candidate(candidate, client, request);

  for (const std::size_t how_many : {1, 6}) {
    check_head(rank_first(how_many, client, request, file.mirrors, table, settings), ranking,
               how_many);
  }

  Request http_request{.path = "a/b"};
  http_request.https = request.https;
  const Outcome outcome = decide(http_request, client, file, table, {.rank = settings});
  if (const auto* answer = std::get_if<Outcome::Answer>(&outcome.result)) {
    for (const auto& [name, value] : answer->headers) require(!has_control_bytes(value));
  }
  return 0;
}
