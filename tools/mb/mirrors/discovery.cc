#include "tools/mb/mirrors/discovery.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "core/ascii.h"
#include "core/path.h"
#include "core/url.h"
#include "os/child_process.h"
#include "tools/cli/progress_line.h"
#include "tools/mb/output.h"
#include "tools/mb/programs.h"

namespace mirror::mb {
namespace {

constexpr const char* kScanner = "mb-scan";
constexpr std::size_t kMaxOutputBytes = std::size_t{1} << 20;
constexpr std::chrono::seconds kSlack(30);  // for its start, the database, and its end

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** entry = ::environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  return variables;
}

std::string program_path() {
  const std::string beside = program_beside(kScanner);
  return beside.find('/') == beside.npos ? find_program(kScanner, beside) : beside;
}

std::string text_in(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Discovered read_discovered(const nlohmann::json& object) {
  Discovered found;
  for (const auto& [column, value] : object.at("columns").items())
    found.columns.emplace_back(column, value.get<std::string>());
  for (const auto& line : object.at("lines")) found.lines.push_back(line.get<std::string>());
  found.warning = text_in(object, "warning");
  found.refusal = text_in(object, "refusal");
  return found;
}

// What mb-scan says: lines of JSON, the last one of which is what it found.
class Reader {
 public:
  void take(std::string_view data) {
    if (bytes_ += data.size(); bytes_ > kMaxOutputBytes) return;
    text_ += data;
    for (std::size_t end; (end = text_.find('\n')) != text_.npos; text_.erase(0, end + 1))
      take_line(text_.substr(0, end));
  }
  // Throws nlohmann's exceptions for what is no finding.
  Discovered found() {
    progress_.clear();
    return read_discovered(last_);
  }
  bool any() const { return last_.is_object() && last_.contains("columns"); }
  void clear() { progress_.clear(); }

 private:
  void take_line(const std::string& line) {
    nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) return;
    if (const std::string step = text_in(object, "step"); !step.empty())
      progress_.draw("looking at " + printable(step));
    else
      last_ = std::move(object);
  }

  std::string text_;
  std::size_t bytes_ = 0;
  nlohmann::json last_;
  cli::ProgressLine progress_{true};
};

}  // namespace

Discovered discover_mirror(Context& context, const std::string& url,
                           const DiscoveryOptions& options) {
  std::vector<std::string> words = program_words(kScanner, context);
  words.insert(words.end(),
               {"--json", "--discover", url, "--within", std::to_string(options.within_s)});
  if (!options.rsync_host.empty()) words.insert(words.end(), {"--rsync-host", options.rsync_host});
  if (!options.ftp_host.empty()) words.insert(words.end(), {"--ftp-host", options.ftp_host});
  std::string errors;
  Reader reader;
  ChildProcess scanner(program_path(), words, own_environment());
  const auto patience = std::chrono::seconds(options.within_s) + kSlack;
  const ReadEnd end = scanner.read(
      [&](std::string_view data) { reader.take(data); },
      [&](std::string_view data) {
        errors += data.substr(0, kMaxOutputBytes - std::min(errors.size(), kMaxOutputBytes));
      },
      {patience, patience, std::chrono::steady_clock::now() + patience}, -1);
  reader.clear();
  if (end == ReadEnd::finished && reader.any()) return reader.found();
  while (errors.ends_with('\n')) errors.pop_back();
  throw Failure(fmt::format("{} did not find out what {} offers: {}", kScanner, url,
                            !errors.empty()            ? errors
                            : end == ReadEnd::finished ? "it said nothing"
                                                       : "it did not end in time"));
}

std::string identifier_of_url(const std::string& url) {
  std::string name = lower(url_host(url));
  std::replace(name.begin(), name.end(), ':', '-');
  return name;
}

}  // namespace mirror::mb
