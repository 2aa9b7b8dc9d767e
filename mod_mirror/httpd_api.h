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

#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

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

// httpd escapes control characters in what it logs. May be called from any thread.
inline void log_line(const server_rec* server, int level, const std::string& line) {
  ap_log_error(APLOG_MARK, level, 0, server, "%s", line.c_str());
}

}  // namespace mirror::httpd
