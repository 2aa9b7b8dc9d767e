#include "db/conninfo.h"

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <string_view>

namespace mirror::db {

std::string database_name(const std::string& conninfo) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconninfoParse(conninfo.c_str(), &message),
                                                                               PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> said(message, PQfreemem);
  if (options == nullptr) {
    std::string reason = said != nullptr ? said.get() : "out of memory";
    reason.erase(reason.find_last_not_of('\n') + 1);
    throw std::invalid_argument(reason);
  }
  std::string name;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    const std::string_view keyword = option->keyword;
    const bool shown = keyword == "service" || keyword == "host" || keyword == "hostaddr" || keyword == "port" || keyword == "dbname";
    if (!shown || option->val == nullptr) continue;
    name.append(name.empty() ? "" : " ").append(keyword).append("=").append(option->val);
  }
  return name.empty() ? "libpq's default database" : name;
}

}  // namespace mirror::db
