#include "scanner/rsync/rsync_peek.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "os/child_process.h"
#include "scanner/rsync/rsync_environment.h"
#include "scanner/rsync/rsync_list.h"
#include "scanner/rsync/rsync_lister.h"

namespace mirror::scanner {
namespace {

constexpr std::size_t kMostNames = 1000;
constexpr std::size_t kMaxLineBytes = 40 << 10;
constexpr std::chrono::milliseconds kEndPatience(1000);  // for rsync to end after its last word

RsyncPeek peek(const std::string& url, std::chrono::milliseconds patience, int stop_fd,
               const std::function<std::string(std::string_view line)>& name_in) {
  const auto end = std::chrono::steady_clock::now() + patience;
  RsyncPeek found;
  Complaints complaints;
  LineCutter lines(kMaxLineBytes, [&](std::string_view line, bool cut) {
    if (cut || found.names.size() >= kMostNames) return;
    if (std::string name = name_in(line); !name.empty()) found.names.push_back(std::move(name));
  });
  LineCutter words(kMaxLineBytes, [&](std::string_view line, bool) { complaints.add(line); });
  const auto seconds =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(patience).count());
  ChildProcess child(find_program("rsync", MIRROR_RSYNC),
                     {"rsync", "--list-only", "--no-h", fmt::format("--contimeout={}", seconds),
                      fmt::format("--timeout={}", seconds), "--", url},
                     rsync_environment(std::nullopt));
  const ReadEnd read = child.read([&](std::string_view data) { lines.feed(data); },
                                  [&](std::string_view data) { words.feed(data); },
                                  {patience, patience, end}, stop_fd);
  lines.finish();
  words.finish();
  if (read == ReadEnd::idle) found.fault = "no answer in time";
  if (read == ReadEnd::stopped) found.fault = "stopped";
  if (read == ReadEnd::finished && child.wait(kEndPatience, stop_fd) != 0) {
    const std::string text = complaints.text();
    found.fault = !text.empty() ? text : complaints.verdict();
    if (found.fault.empty()) found.fault = "rsync failed";
  }
  if (!found.fault.empty()) found.names.clear();
  return found;
}

}  // namespace

// A line is the module's name, spaces, a tab and a comment. With --no-motd there would be none;
// what a message of the day adds is no module, as a look into it shows.
RsyncPeek peek_rsync_modules(const std::string& url, std::chrono::milliseconds patience,
                             int stop_fd) {
  return peek(url, patience, stop_fd, [](std::string_view line) {
    const std::size_t tab = line.find('\t');
    if (tab == line.npos) return std::string();
    std::string_view name = line.substr(0, tab);
    while (name.ends_with(' ')) name.remove_suffix(1);
    return std::string(name);
  });
}

RsyncPeek peek_rsync_folder(const std::string& url, std::chrono::milliseconds patience,
                            int stop_fd) {
  return peek(url, patience, stop_fd, [](std::string_view line) {
    Entry entry;
    return parse_rsync_line(line, entry) && entry.path != "." ? entry.path : std::string();
  });
}

}  // namespace mirror::scanner
