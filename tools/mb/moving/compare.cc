// mb compare: replays an access log against two redirectors.
#include "tools/mb/moving/compare.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/address.h"
#include "core/fnv.h"
#include "core/url.h"
#include "tools/mb/commands.h"
#include "tools/mb/files/log_lines.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

// B has sent more clients wrong than A.
constexpr int kWorse = 3;

struct Wanted {
  CompareOptions options;
  std::string log;
  std::int64_t limit = 1000;
  double sample_percent = 100;
  bool unchecked = false, json = false;
};

void check(const Wanted& wanted) {
  for (const std::string& url :
       {wanted.options.url_a, wanted.options.url_b, wanted.options.truth_url}) {
    if (url.empty()) continue;
    const std::string base = url.ends_with('/') ? url : url + "/";
    if (const UrlFault fault = check_url(base, UrlKind::web_base))
      throw UsageError(fmt::format("'{}' is not an http or https URL: {}", url, fault.text()));
  }
  const auto is_token = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; };
  const std::string& header = wanted.options.client_header;
  if (header.size() > 100 || !std::all_of(header.begin(), header.end(), is_token))
    throw UsageError(fmt::format(
        "--client-header '{}': expected the name of a header, like X-Forwarded-For", header));
}

// The log's requests, as far as they are wanted; counts the lines that are left out.
class Requests {
 public:
  Requests(const Wanted& wanted, Comparison& comparison)
      : wanted_(wanted), comparison_(comparison), lines_(wanted.log) {}

  std::optional<LoggedRequest> next() {
    std::string line;
    while (taken_ < wanted_.limit && lines_.next(line)) {
      auto parsed = parse_log_line(line);
      if (const auto* skipped = std::get_if<SkippedLine>(&parsed)) {
        ++(*skipped == SkippedLine::unreadable ? comparison_.unreadable : comparison_.other_method);
        continue;
      }
      if (!is_in_sample()) continue;
      ++taken_;
      return std::get<LoggedRequest>(std::move(parsed));
    }
    return std::nullopt;
  }

 private:
  // The same ones each time.
  bool is_in_sample() {
    const std::uint64_t number = fnv1a(std::to_string(++read_)) % 10'000;
    return static_cast<double>(number) < 100 * wanted_.sample_percent;
  }

  const Wanted& wanted_;
  Comparison& comparison_;
  LogLines lines_;
  std::int64_t taken_ = 0, read_ = 0;
};

// Without GeoIP databases countries are unknown.
std::string country_of(Context& context, const std::string& peer) {
  const auto address = Address::parse(peer);
  try {
    return address ? std::string(context.geo().locate(*address).country.text()) : "";
  } catch (const std::exception&) {
    return "";
  }
}

int run(Context& context, Wanted& wanted) {
  check(wanted);
  wanted.options.checks_targets = !wanted.unchecked;
  const StopSignal stop;
  Comparison comparison;
  comparison.a.url = wanted.options.url_a;
  comparison.b.url = wanted.options.url_b;
  Requests requests(wanted, comparison);
  compare_all(
      wanted.options, [&] { return requests.next(); },
      [&](const std::string& peer) { return country_of(context, peer); },
      [&](ComparedRequest&& one) { comparison.add(one); }, stop);
  if (stop.asked()) complain("stopped: what follows is of the requests until then");
  if (comparison.requests == 0)
    throw Failure(
        fmt::format("{} has no GET or HEAD request that can be replayed ({} lines cannot be read)",
                    wanted.log, comparison.unreadable));
  if (wanted.json)
    say_json(comparison_json(comparison));
  else
    say_lines(comparison_text(comparison));
  return comparison.b.wrong > comparison.a.wrong ? kWorse : kSuccess;
}

}  // namespace

Action setup_compare(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  CompareOptions& options = wanted->options;
  app.add_option("url-a", options.url_a, "The redirector that runs today")
      ->required()
      ->type_name("URL-A");
  app.add_option("url-b", options.url_b, "The other one")->required()->type_name("URL-B");
  app.add_option("--log", wanted->log,
                 "An access log of httpd (common, combined, vhost_combined), also with gzip; -: "
                 "standard input")
      ->required()
      ->type_name("FILE");
  app.add_option("--limit", wanted->limit, "Requests to replay at most (default 1000)")
      ->between(1, 100'000'000)
      ->type_name("NUMBER");
  app.add_option("--sample", wanted->sample_percent, "Replay this part of them (default 100)")
      ->between(0.01, 100)
      ->type_name("PERCENT");
  app.add_option("--rate", options.rate, "Requests per second to each of the two (default 50)")
      ->between(0.1, 10'000)
      ->type_name("NUMBER");
  app.add_option("--parallel", options.parallel, "Requests at a time (default 8)")
      ->between(1, 200)
      ->type_name("NUMBER");
  app.add_option("--timeout", options.timeout_s, "Seconds to wait for an answer (default 10)")
      ->between(0.1, 600)
      ->type_name("SECONDS");
  app.add_option("--client-header", options.client_header,
                 "The header that tells both where the client is, empty for none (default "
                 "X-Forwarded-For)")
      ->type_name("NAME");
  app.add_option("--truth", options.truth_url, "A server with the true files, for their sizes")
      ->type_name("URL");
  app.add_flag("--no-targets", wanted->unchecked, "Do not ask mirrors whether they have the file");
  app.add_option("--cacert", options.ca_file,
                 "Authorities that may have signed certificates, instead of the system's")
      ->type_name("FILE");
  app.add_flag("--json", wanted->json, "As JSON");
  app.footer("Exit status: 0 B sent no more clients wrong than A, 3 it did, 1 and 2 errors.");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
