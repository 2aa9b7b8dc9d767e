#include "tools/mb/watch/notify_send.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <stdexcept>

#include "config.h"
#include "core/path.h"
#include "net/fetcher.h"
#include "notify/message.h"
#include "os/child_process.h"
#include "os/descriptor.h"
#include "os/host_name.h"

namespace mirror::mb {
namespace {

constexpr int kKilled = 128 + SIGKILL;  // an exit status of ChildProcess
constexpr std::size_t kMostSaid = 300;
constexpr std::size_t kMostAnswer = std::size_t{64} << 10;

// The first line of what a program or a server said.
std::string first_line(std::string_view text) {
  return notify::without_secrets(printable(text.substr(0, std::min(text.find('\n'), kMostSaid))));
}

// The first line of a file with a URL or a token.
std::string read_line(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line.size() > 4096)
    throw std::runtime_error(fmt::format("{} cannot be read, or has no first line", file));
  while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.pop_back();
  return line;
}

// A file in memory with the text, at its start: a program may read it or not.
Descriptor text_file(const std::string& text) {
  Descriptor file(::memfd_create("notice", MFD_CLOEXEC));
  std::size_t at = 0;
  while (file && at < text.size()) {
    const ssize_t written = ::write(file.get(), text.data() + at, text.size() - at);
    if (written <= 0) throw std::runtime_error("no memory for the notice");
    at += static_cast<std::size_t>(written);
  }
  if (!file || ::lseek(file.get(), 0, SEEK_SET) != 0)
    throw std::runtime_error("no memory for the notice");
  return file;
}

std::vector<std::string> environment() {
  std::vector<std::string> env = {"LC_ALL=C.UTF-8"};
  for (const char* name : {"PATH", "HOME", "USER", "TZ"}) {
    if (const char* value = std::getenv(name)) env.push_back(fmt::format("{}={}", name, value));
  }
  return env;
}

Delivery run_program(const std::vector<std::string>& argv, const std::string& input,
                     std::chrono::seconds timeout, int stop_fd) {
  if (::access(argv[0].c_str(), X_OK) != 0)
    return {false, fmt::format("{} cannot be run", argv[0])};
  const Descriptor file = text_file(input);
  ChildProcess child(argv[0], argv, environment(), file.get());
  std::string out, errors;
  const auto keep = [](std::string& into) {
    return [&into](std::string_view data) {
      if (into.size() < kMostSaid) into.append(data.substr(0, kMostSaid));
    };
  };
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const ReadEnd end = child.read(keep(out), keep(errors), {timeout, timeout, deadline}, stop_fd);
  const auto left = [&] {
    return std::chrono::ceil<std::chrono::milliseconds>(deadline -
                                                        std::chrono::steady_clock::now());
  };
  const int status = end == ReadEnd::finished ? child.wait(left(), stop_fd) : kKilled;
  if (status == kKilled && is_readable(stop_fd)) return {false, "stopped", false, true};
  if (status == kKilled && (end != ReadEnd::finished || left().count() <= 0))
    return {false, fmt::format("{} did not end within {} s", argv[0], timeout.count()), true};
  const std::string said = first_line(errors.empty() ? out : errors);
  return {status == 0, fmt::format("exit status {}{}", status, said.empty() ? "" : ": " + said)};
}

Delivery ask_web(const NotifyTarget& target, const notify::Notice& notice, int stop_fd) {
  const std::string url =
      target.webhook_file.empty() ? target.webhook : read_line(target.webhook_file);
  const std::string token = target.token_file.empty() ? "" : read_line(target.token_file);
  const std::string host = notify::url_without_path(url);
  const auto message = notify::web_message(notice, target.form, url, token);
  if (!message) return {false, "the URL's last part is not a topic: https://host/TOPIC"};
  net::FetchRequest request;
  request.url = message->url;
  request.headers = message->headers;
  request.method = message->method;
  request.body = message->body;
  request.user_agent = "mod_mirror/" PACKAGE_VERSION;
  request.timeout = std::chrono::seconds(target.timeout_s);
  request.connect_timeout = request.timeout;
  request.stop_fd = stop_fd;
  request.max_body_bytes = kMostAnswer;
  try {
    net::Fetcher fetcher;
    const net::FetchResponse response = fetcher.get(request);
    const bool sent = response.status >= 200 && response.status < 300;
    const std::string said =
        sent ? "" : first_line(notify::without_address(response.body, url, token));
    return {sent,
            fmt::format("{}: HTTP {}{}", host, response.status, said.empty() ? "" : ": " + said)};
  } catch (const net::FetchError& error) {
    if (is_readable(stop_fd)) return {false, "stopped", false, true};
    // libcurl's own words may have the URL in them.
    const bool of_url = error.kind() == net::FetchError::Kind::url;
    return {false,
            fmt::format("{}: {}", host,
                        of_url ? "the URL cannot be used"
                               : first_line(notify::without_address(error.what(), url, token))),
            error.kind() == net::FetchError::Kind::timeout};
  }
}

Delivery mail(const NotifyTarget& target, const std::vector<std::string>& recipients,
              const notify::Notice& notice, int stop_fd) {
  std::vector<std::string> argv = {target.sendmail, "-i", "--"};
  argv.insert(argv.end(), recipients.begin(), recipients.end());
  return run_program(argv,
                     notify::notice_mail(notice, target.from, recipients, host_name("localhost"),
                                         std::time(nullptr)),
                     std::chrono::seconds(target.timeout_s), stop_fd);
}

}  // namespace

Delivery deliver(const NotifyTarget& target, const std::vector<std::string>& recipients,
                 const notify::Notice& notice, int stop_fd) {
  try {
    if (!recipients.empty()) return mail(target, recipients, notice, stop_fd);
    if (!target.command.empty())
      return run_program(target.command, notify::notice_json(notice) + "\n",
                         std::chrono::seconds(target.timeout_s), stop_fd);
    return ask_web(target, notice, stop_fd);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return {false, first_line(error.what())};
  }
}

}  // namespace mirror::mb
