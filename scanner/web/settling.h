// What size and time each file has, by its page and by HEAD: which files must be asked for, and
// what the answers mean. A few files show by how much the server's times are ahead of UTC; until
// then others wait. Internal to scanner/web; pure, one thread.
#pragma once

#include <cstdint>

#include "db/merge/scan.h"
#include "net/request_pool.h"
#include "scanner/list/time_zone.h"
#include "scanner/web/folder.h"

namespace mirror::scanner::web {

class Settling {
 public:
  enum class Next : std::uint8_t {
    settled,
    ask,  // by HEAD; then take() or refuse() is called once
    wait  // until more of the asked files are answered
  };
  // Sets the size and time of a file, or says what is to be done first.
  Next next(Item& item);
  // The answer to HEAD with status 200. A file whose length the server does not tell is absent.
  void take(Item& item, const net::PoolAnswer& answer);
  // The server does not give the file.
  void refuse(Item& item);
  // Of a file with for_zone: the server told nothing of it, or was not asked after all. That says
  // nothing about the file: settle_rest() is to be called once more is known.
  void take_nothing(Item& item);
  void settle_rest(Item& item);

  // Of the right size, and neither their pages nor HEAD show a time.
  std::int64_t timeless() const { return timeless_; }
  db::Fidelity fidelity() const {
    return {.times = precision_, .shows_times = timeless_ * 10 <= timed_};
  }

 private:
  Next settle_time(Item& item);
  Next ask_for_zone(Item& item);
  std::int64_t time_in_doubt(const Item& item) const;
  void settle_as_shown(Item& item);
  void note_precision(const Item& item);

  TimeZone zone_;
  db::Precision precision_ = db::Precision::second;
  int asked_for_zone_ = 0, samples_ = 0;  // without their answers yet; of other times, in all
  int unanswered_ = 0;                    // of all that were asked for the zone
  std::int64_t timeless_ = 0, timed_ = 0;
};

}  // namespace mirror::scanner::web
