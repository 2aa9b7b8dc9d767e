// The start of libxml2.
#pragma once

#include <libxml/parser.h>

namespace mirror::scanner::web {

// Comes before the first parser. libxml2 sets its shared state up at its first use without a
// lock: two threads that do so at the same moment can wait for each other for ever.
inline void start_libxml2() {
  static const bool started = (xmlInitParser(), true);
  static_cast<void>(started);
}

}  // namespace mirror::scanner::web
