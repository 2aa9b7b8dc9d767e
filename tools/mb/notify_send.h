// Sends one notice to one target of [[notify]]: runs a command or sendmail, or asks a web service.
// No wait is longer than the target's time limit. One thread.
#pragma once

#include <string>
#include <vector>

#include "config/instance.h"
#include "notify/notice.h"

namespace mirror::mb {

struct Delivery {
  bool sent = false;
  std::string said;  // what came back, in words and without secrets: "HTTP 200", "exit status 1: …"
};

// `recipients`: e-mail addresses, where the target is e-mail. Never throws for what is wrong with
// the target.
Delivery deliver(const NotifyTarget& target, const std::vector<std::string>& recipients,
                 const notify::Notice& notice);

}  // namespace mirror::mb
