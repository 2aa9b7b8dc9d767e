// Which times LIST shows: to the minute for half a year, then to the day, in a time zone that
// nobody tells. What fits the source's file becomes its time. Where a time zone might explain the
// difference, MDTM tells the exact time, until the server's zone is known. Some servers tell MDTM
// in their own time zone too (RFC 3659 §3 demands UTC); files that all differ from the source by
// the same multiple of 15 minutes, to the second, show that. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "db/merge/known_files.h"
#include "db/merge/scan.h"
#include "scanner/ftp/ftp_lines.h"
#include "scanner/list/time_zone.h"

namespace mirror::scanner::ftp {

struct FtpItem {
  FtpEntry shown;                      // its mtime_s becomes what is listed
  std::optional<db::KnownFile> known;  // the source's file
  bool known_folder = false;
  bool source_has_link = false;
  bool by_link = false;  // the server shows a link there
};

class FtpTimes {
 public:
  // Without MDTM times are listed as they are shown.
  explicit FtpTimes(bool has_mdtm) : has_mdtm_(has_mdtm) {}

  // Sets the item's time from what LIST shows. True: MDTM is to be asked.
  bool must_ask(FtpItem& item);
  // What MDTM says; nullopt: nothing. False: decide() is to be called when all files are here.
  bool take(FtpItem& item, std::optional<std::int64_t> told_s);
  // What MDTM says of a file for which the listing shows no time. As of take().
  bool take_untimed(FtpItem& item, std::int64_t told_s);
  void decide(FtpItem& item) const;
  // Of what was listed so far.
  db::Precision precision() const { return precision_; }

 private:
  bool has_mdtm_;
  TimeZone zone_;
  int in_utc_ = 0;  // files of which MDTM told the source's time
  // By how far MDTM is ahead of the source: the source's times.
  std::map<std::int64_t, std::set<std::int64_t>> ahead_;
  db::Precision precision_ = db::Precision::second;
};

}  // namespace mirror::scanner::ftp
