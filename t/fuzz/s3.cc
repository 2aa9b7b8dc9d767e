// What strangers and admins write about buckets: pages of listings, URLs, files of credentials.
#include <set>

#include "core/path.h"
#include "core/s3_url.h"
#include "fuzz.h"
#include "net/retry_after.h"
#include "s3/bucket.h"
#include "s3/credentials.h"
#include "scanner/s3/key_ranges.h"
#include "scanner/s3/key_tree.h"
#include "scanner/s3/list_page.h"
#include "scanner/s3/settle.h"

using namespace mirror;
using namespace mirror::scanner::s3;

namespace {

void check_page(std::string_view text) {
  ListPage page = read_list_page(text);
  require(page.fault.empty() || (page.objects.empty() && page.prefixes.empty()));
  if (!page.fault.empty()) return;
  require(!page.more || !page.token.empty());
  std::set<std::string> files;
  KeyTree tree(
      "", [&](ListedObject&& file) { require(files.insert(file.key).second); },
      [](std::string_view) {});
  for (ListedObject& object : page.objects) {
    require(object.size_bytes >= 0 && object.modified_s >= 0);
    if (!tree.add(std::move(object))) break;
  }
  tree.finish();
  for (const std::string& file : files) {
    require(check_path(file) == PathFault::none);
    for (std::size_t at = file.find('/'); at != file.npos; at = file.find('/', at + 1))
      require(!files.contains(file.substr(0, at)));
  }
}

void check_url(std::string_view text) {
  S3Url url;
  if (read_s3_url(text, url)) return;
  require(url.prefix.empty() || url.prefix.ends_with('/'));
  require(url.bucket.find('/') == url.bucket.npos && !url.endpoint.ends_with('/'));
}

// A bucket's answers to HEAD and its errors.
void check_answer(const std::string& text) {
  constexpr std::int64_t kNow_s = 1'700'000'000;
  mirror::s3::read_error(text);
  if (const auto md5 = md5_of_etag(text)) require(md5->size() == 16 && text.size() == 32);
  ListedObject object;
  object.modified_s = kNow_s;
  net::PoolAnswer answer;
  for (const int status : {200, 503}) {
    answer.status = status;
    for (const char* name : {"x-amz-meta-mtime", "x-amz-meta-s3cmd-attrs", "Retry-After"}) {
      answer.headers.clear();
      net::add_header(answer.headers, std::string(name) + ": " + text + "\r\n");
      const std::int64_t time_s = time_after_head(object, "", answer);
      require(time_s == kNow_s || status == 200);
      const auto wait_s = net::retry_after_s(answer, kNow_s);
      require(!wait_s || (status == 503 && *wait_s >= 0 && *wait_s <= net::kLongestRest_s));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_page(text);
  check_url(text);
  check_answer(std::string(text));
  mirror::s3::read_sections(text);
  return 0;
}
