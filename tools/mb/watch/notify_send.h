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
  bool timed_out = false;  // the next one to this target would most likely hang as well
  bool stopped = false;  // this program was asked to stop meanwhile: whether it arrived is unknown
};

// `recipients`: e-mail addresses, where the target is e-mail. It ends once `stop_fd` is readable
// (-1: none). Never throws for what is wrong with the target.
Delivery deliver(const NotifyTarget& target, const std::vector<std::string>& recipients,
                 const notify::Notice& notice, int stop_fd = -1);

}  // namespace mirror::mb
