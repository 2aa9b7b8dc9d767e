#include "scanner/head/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <utility>

#include "core/path.h"

namespace mirror::scanner::head {
namespace {

using Kind = FileAnswer::Kind;

constexpr int kLongestAnswer_s = 30;  // has no body

web::WebSettings settings_of(const Target& target, const HeadOptions& options) {
  web::WebSettings settings = web::settings_of(target, options.web);
  settings.timeout = std::chrono::seconds(std::min(target.idle_timeout_s, kLongestAnswer_s));
  return settings;
}

std::string impossible_name() {
  std::random_device random;
  return fmt::format(".{:08x}{:08x}.no-such-file", random(), random());
}

}  // namespace

Site::Site(const Target& target, const HeadOptions& options, const Control& control)
    : control_(control),
      base_(file_url(target.url, target.directory)),
      asker_(settings_of(target, options), target.server_urls) {
  if (!base_.ends_with('/')) base_ += '/';
}

void Site::ask_for_impossible() {
  std::optional<FileAnswer> got;
  ask(impossible_name(), [&got](FileAnswer&& answer) { got = std::move(answer); });
  while (!got) go_on();
  if (got->kind == Kind::there)
    throw ListingError(
        "the server says that it has a file that cannot exist, so nothing tells which it has");
  if (got->kind == Kind::gone) return;
  if (got->kind != Kind::refused || got->words != "answers 403")
    throw ListingError(fmt::format("'{}': {}", printable(base_), got->words));
  asker_.forbidden_means_gone();
}

void Site::ask_many_at_a_time() {
  if (asker_.multiplexes()) asker_.multiplex();
}

void Site::go_on() {
  if (control_.stopped()) throw ListingError("it was stopped");
  asker_.run(control_.stop_fd);
}

void list_file(Listing& listing, const std::string& path, std::int64_t size_bytes,
               std::int64_t mtime_s) {
  Entry entry;
  entry.world_readable = true;
  entry.size_bytes = size_bytes;
  entry.mtime_s = mtime_s;
  entry.path = path;
  listing.add(entry);
}

}  // namespace mirror::scanner::head
