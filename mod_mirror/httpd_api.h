// The one way in which httpd's headers are included, and the helper that lets C++ objects live in
// pools.
#pragma once

#define AP_HAVE_DESIGNATED_INITIALIZER  // makes command functions type-checked without casts

#include <httpd.h>  // before the others, which rely on it

#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/log.h"

// For C++, APR's own forms a member of a null pointer, which is undefined: rings (brigades) use it.
#undef APR_OFFSETOF
#define APR_OFFSETOF(s_type, field) offsetof(s_type, field)

APLOG_USE_MODULE(mirror);

namespace mirror::httpd {

// An object that lives as long as the pool.
template <class T, class... Args>
T* pool_new(apr_pool_t* pool, Args&&... args) {
  static_assert(alignof(T) <= 8, "what apr_palloc promises");
  T* object = new (apr_palloc(pool, sizeof(T))) T(std::forward<Args>(args)...);
  if constexpr (!std::is_trivially_destructible_v<T>) {
    const auto destroy = [](void* data) noexcept -> apr_status_t {
      static_cast<T*>(data)->~T();
      return APR_SUCCESS;
    };
    apr_pool_cleanup_register(pool, object, destroy, apr_pool_cleanup_null);
  }
  return object;
}

inline const char* pool_string(apr_pool_t* pool, std::string_view text) {
  return apr_pstrmemdup(pool, text.data(), text.size());
}

// "MIR0101: ", by which the manual (doc/log.md) says what to do.
inline std::string id_text(LogId id) {
  if (id.number == 0) return "";
  std::string digits = std::to_string(id.number);
  return "MIR" + std::string(4 - std::min<std::size_t>(digits.size(), 4), '0') + digits + ": ";
}

// httpd escapes control characters in what it logs. May be called from any thread.
inline void log_line(const server_rec* server, int level, LogId id, const std::string& line,
                     LogPlace place = LogPlace::here()) {
  ap_log_error(place.file, place.line, APLOG_MODULE_INDEX, level, 0, server, "%s%s",
               id_text(id).c_str(), line.c_str());
}
inline void log_line(const server_rec* server, int level, const std::string& line,
                     LogPlace place = LogPlace::here()) {
  log_line(server, level, LogId(), line, place);
}
inline void log_line(const request_rec* r, int level, LogId id, const std::string& line,
                     LogPlace place = LogPlace::here()) {
  ap_log_rerror(place.file, place.line, APLOG_MODULE_INDEX, level, 0, r, "%s%s",
                id_text(id).c_str(), line.c_str());
}

}  // namespace mirror::httpd
