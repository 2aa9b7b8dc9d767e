#include "scanner/list/method.h"

namespace mirror::scanner {
namespace {

constexpr const Method* kMethods[] = {&kRsyncMethod, &kLocalMethod, &kReportMethod, &kS3Method,
                                      &kWebMethod,   &kFtpMethod,   &kHeadMethod};

bool has_scheme(std::string_view url, std::string_view scheme) {
  return url.starts_with(scheme) && url.substr(scheme.size()).starts_with("://");
}

}  // namespace

const Method* find_method(std::string_view name) {
  for (const Method* method : kMethods) {
    if (method->name == name) return method;
  }
  return nullptr;
}

const Method& method_of_source(std::string_view source) {
  for (const Method* method : kMethods) {
    if (method->for_source && has_scheme(source, method->scheme)) return *method;
  }
  return kLocalMethod;
}

}  // namespace mirror::scanner
