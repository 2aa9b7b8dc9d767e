// The name of this machine.
#pragma once

#include <sys/utsname.h>

#include <string>

namespace mirror {

// As the kernel has it; `otherwise` if it does not tell.
inline std::string host_name(const char* otherwise) {
  utsname names{};
  return ::uname(&names) == 0 ? names.nodename : otherwise;
}

}  // namespace mirror
