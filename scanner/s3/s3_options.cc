#include "scanner/s3/s3_options.h"

#include "core/s3_url.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner::s3 {

Fault option_fault(std::string_view option) {
  for (const std::string_view name : {"connections=", "rate=", "bandwidth=", "heads="}) {
    if (option.starts_with(name)) return web::web_option_fault(option);
  }
  return "the options are connections=N, rate=N, bandwidth=N and heads=N";
}

Fault url_fault(std::string_view url) {
  S3Url unused;
  const UrlFault fault = read_s3_url(url, unused);
  return fault ? Fault(fault.text()) : std::nullopt;
}

}  // namespace mirror::scanner::s3
