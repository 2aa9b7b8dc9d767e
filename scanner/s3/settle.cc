#include "scanner/s3/settle.h"

#include <algorithm>
#include <string_view>

#include "core/number.h"
#include "core/stamp_time.h"

namespace mirror::scanner::s3 {
namespace {

bool differs(const ListedObject& object, const std::string& md5) {
  const auto shown = md5_of_etag(object.etag);
  return shown && !md5.empty() && *shown != md5;
}

// Encrypted so that the ETag is no MD5 sum.
bool hides_md5(const net::PoolAnswer& answer) {
  return answer.header("x-amz-server-side-encryption").starts_with("aws:kms") ||
         !answer.header("x-amz-server-side-encryption-customer-algorithm").empty();
}

// The file's own time, as rclone and s3cmd note it.
std::optional<std::int64_t> noted_time(const net::PoolAnswer& answer) {
  if (const auto time = answer.header("x-amz-meta-mtime"); !time.empty()) return parse_stamp(time);
  const std::string_view attributes = answer.header("x-amz-meta-s3cmd-attrs");
  constexpr std::string_view kName = "mtime:";
  const std::size_t at = attributes.find(kName);
  if (at == attributes.npos) return std::nullopt;
  const std::string_view rest = attributes.substr(at + kName.size());
  return parse_stamp(rest.substr(0, rest.find('/')));
}

}  // namespace

std::optional<std::string> md5_of_etag(const std::string& etag) {
  constexpr std::size_t kBytes = 16;
  if (etag.size() != 2 * kBytes) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < etag.size(); i += 2) {
    const auto byte = whole_number<unsigned char>(std::string_view(etag).substr(i, 2), 16);
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

Verdict judge(const ListedObject& object, const db::KnownFile& known, const std::string& md5) {
  if (object.size_bytes != known.size_bytes) return Verdict::as_listed;
  if (differs(object, md5)) return Verdict::ask;
  if (!md5.empty() && md5_of_etag(object.etag)) return Verdict::same;
  const bool fits_earlier = std::find(known.earlier_sizes.begin(), known.earlier_sizes.end(),
                                      object.size_bytes) != known.earlier_sizes.end();
  return fits_earlier ? Verdict::ask : Verdict::as_listed;
}

std::int64_t time_after_head(const ListedObject& object, const std::string& md5,
                             const net::PoolAnswer& answer) {
  if (answer.status != 200) return object.modified_s;
  if (differs(object, md5) && !hides_md5(answer)) return kOtherVersion_s;
  return noted_time(answer).value_or(object.modified_s);
}

}  // namespace mirror::scanner::s3
