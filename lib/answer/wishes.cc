#include "answer/wishes.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/ascii.h"
#include "core/encode.h"

namespace mirror {
namespace {

constexpr int kFullWeight = 1000;
constexpr std::size_t kMaxHeaderBytes =
    8192;  // a request line's limit in httpd; longer ones are noise

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// Cuts off what stands before the first `separator` outside quoted strings.
std::string_view take(std::string_view& text, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size() && (quoted || text[end] != separator); ++end) {
    if (text[end] == '"') quoted = !quoted;
    if (quoted && text[end] == '\\') ++end;
  }
  end = std::min(end, text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(part);
}

struct Weighted {
  std::string name;  // lower case
  int weight = kFullWeight;
  bool has_parameters = false;  // other than q
};

// `name;q=0.5`, other parameters allowed.
std::optional<Weighted> parse_weighted(std::string_view member) {
  Weighted weighted{lower(take(member, ';'))};
  while (!member.empty()) {
    const std::string_view parameter = take(member, ';');
    const std::size_t equals = parameter.find('=');
    if (equals == parameter.npos || !is_token(parameter.substr(0, equals))) return std::nullopt;
    if (lower(parameter.substr(0, equals)) != "q") {
      weighted.has_parameters = true;
      continue;
    }
    const auto weight = parse_weight(parameter.substr(equals + 1));
    if (!weight) return std::nullopt;
    weighted.weight = *weight;
  }
  return weighted;
}

template <class Use>
void for_each_weighted(std::string_view list, Use use) {
  if (list.size() > kMaxHeaderBytes) return;
  while (!list.empty()) {
    if (const auto weighted = parse_weighted(take(list, ','))) use(*weighted);
  }
}

struct AlgorithmNames {
  DigestAlgorithm id;
  std::string_view digest;       // RFC 3230's registry
  std::string_view repr_digest;  // RFC 9530's
  std::string FileHashes::*value;
};
constexpr std::array<AlgorithmNames, 4> kAlgorithms = {{
    {DigestAlgorithm::sha256, "SHA-256", "sha-256", &FileHashes::sha256},
    {DigestAlgorithm::sha512, "SHA-512", "sha-512", &FileHashes::sha512},
    {DigestAlgorithm::sha1, "SHA", "sha", &FileHashes::sha1},
    {DigestAlgorithm::md5, "MD5", "md5", &FileHashes::md5},
}};

constexpr std::size_t kSecure = 2;  // the first ones, by RFC 9530 §5
constexpr auto kInOrder = [] {
  std::array<DigestAlgorithm, kAlgorithms.size()> ids{};
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = kAlgorithms[i].id;
  return ids;
}();

using Wish = std::pair<int, DigestAlgorithm>;

// The last word on an algorithm counts, as it does in a dictionary.
void put_wish(std::vector<Wish>& wishes, int weight, DigestAlgorithm algorithm) {
  std::erase_if(wishes, [&](const Wish& wish) { return wish.second == algorithm; });
  wishes.emplace_back(weight, algorithm);
}

std::vector<DigestAlgorithm> in_order(std::vector<Wish> wishes) {
  std::erase_if(wishes, [](const Wish& wish) { return wish.first == 0; });
  std::stable_sort(wishes.begin(), wishes.end(),
                   [](const Wish& a, const Wish& b) { return a.first > b.first; });
  std::vector<DigestAlgorithm> algorithms;
  for (const Wish& wish : wishes) algorithms.push_back(wish.second);
  return algorithms;
}

// A dictionary's key and integer, `sha-256=10`; parameters may follow and mean nothing. False when
// it is no such thing.
bool read_preference(std::string_view member, std::string_view& key, int& preference) {
  member = trimmed(member);
  const std::string_view pair = member.substr(0, member.find(';'));
  const std::size_t equals = pair.find('=');
  key = pair.substr(0, equals);
  const bool is_key = !key.empty() && (key[0] == '*' || (key[0] >= 'a' && key[0] <= 'z')) &&
                      std::all_of(key.begin(), key.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                               std::string_view("_-.*").find(c) != std::string_view::npos;
                      });
  if (!is_key || equals == pair.npos) return false;
  const std::string_view digits = pair.substr(equals + 1);
  const bool is_number =
      !digits.empty() && digits.size() <= 2 &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) return false;
  preference = 0;
  for (const char c : digits) preference = preference * 10 + (c - '0');
  return preference <= 10;
}

// `before` and `after` stand around each digest.
std::string digest_list(const FileHashes& hashes, std::span<const DigestAlgorithm> algorithms,
                        std::string_view AlgorithmNames::*name, std::string_view before,
                        std::string_view after) {
  constexpr std::size_t kListBytes = 256;  // what all of them take
  std::string out;
  for (const DigestAlgorithm algorithm : algorithms) {
    const AlgorithmNames& names = kAlgorithms[static_cast<std::size_t>(algorithm)];
    if ((hashes.*names.value).empty()) continue;
    if (out.empty()) out.reserve(kListBytes);
    out.append(out.empty() ? "" : ", ").append(names.*name).append(before);
    append_base64(out, hashes.*names.value);
    out.append(after);
  }
  return out;
}

int range_precision(const Weighted& range, std::string_view type) {
  const std::string_view name = range.name;
  if (range.has_parameters) return 0;
  if (name == type) return 3;
  const std::size_t slash = type.find('/');
  if (slash != type.npos && name.size() == slash + 2 && name.ends_with("/*") &&
      name.starts_with(type.substr(0, slash)))
    return 2;
  return name == "*/*" ? 1 : 0;
}

}  // namespace

std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = text[0] == '1' ? kFullWeight : 0;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int unit = 100;
  for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    weight += (text[i] - '0') * unit;
  }
  return weight <= kFullWeight ? std::optional(weight) : std::nullopt;
}

std::vector<DigestAlgorithm> parse_want_digest(std::string_view value) {
  std::vector<Wish> wishes;
  for_each_weighted(value, [&](const Weighted& wish) {
    for (const AlgorithmNames& names : kAlgorithms) {
      if (lower(names.digest) == wish.name) put_wish(wishes, wish.weight, names.id);
    }
  });
  return in_order(std::move(wishes));
}

std::optional<std::vector<DigestAlgorithm>> parse_want_repr_digest(std::string_view value) {
  if (value.size() > kMaxHeaderBytes || trimmed(value).ends_with(',')) return std::nullopt;
  std::vector<Wish> wishes;
  while (!value.empty()) {
    std::string_view key;
    int preference = 0;
    if (!read_preference(take(value, ','), key, preference)) return std::nullopt;
    for (const AlgorithmNames& names : kAlgorithms) {
      if (names.repr_digest == key) put_wish(wishes, preference, names.id);
    }
  }
  return in_order(std::move(wishes));
}

std::string digest_value(const FileHashes& hashes, std::string_view want_digest) {
  const auto list = [&](std::span<const DigestAlgorithm> which) {
    return digest_list(hashes, which, &AlgorithmNames::digest, "=", "");
  };
  return want_digest.empty() ? list(kInOrder) : list(parse_want_digest(want_digest));
}

std::string repr_digest_value(const FileHashes& hashes, std::string_view want_repr_digest) {
  const auto usual = std::span(kInOrder).first<kSecure>();
  const auto wanted =
      want_repr_digest.empty() ? std::nullopt : parse_want_repr_digest(want_repr_digest);
  const std::span<const DigestAlgorithm> which =
      wanted ? std::span<const DigestAlgorithm>(*wanted) : usual;
  return digest_list(hashes, which, &AlgorithmNames::repr_digest, "=:", ":");
}

bool mentions_metalink(std::string_view accept) {
  constexpr std::string_view kWord = "metalink";
  const auto same = [](char a, char b) { return lower(a) == b; };
  return std::search(accept.begin(), accept.end(), kWord.begin(), kWord.end(), same) !=
         accept.end();
}

std::optional<Representation> negotiated_metalink(std::string_view accept,
                                                  std::string_view mime_type) {
  if (!mentions_metalink(accept)) return std::nullopt;
  const std::string type = lower(mime_type);
  int meta4 = 0, metalink = 0, file = 0, precision = 0;
  for_each_weighted(accept, [&](const Weighted& range) {
    if (range.name == info_of(Representation::meta4).content_type) meta4 = range.weight;
    if (range.name == info_of(Representation::metalink).content_type) metalink = range.weight;
    const int fits = range_precision(range, type);
    if (fits > precision) precision = fits, file = range.weight;
  });
  if (std::max(meta4, metalink) == 0 || std::max(meta4, metalink) < file) return std::nullopt;
  return meta4 >= metalink ? Representation::meta4 : Representation::metalink;
}

}  // namespace mirror
