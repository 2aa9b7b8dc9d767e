// What strangers and admins write about buckets: pages of listings, URLs, files of credentials.
#include <set>

#include "core/path.h"
#include "core/s3_url.h"
#include "fuzz.h"
#include "s3/credentials.h"
#include "scanner/s3/key_ranges.h"
#include "scanner/s3/key_tree.h"
#include "scanner/s3/list_page.h"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_page(text);
  check_url(text);
  mirror::s3::read_sections(text);
  return 0;
}
