// What a mirror's web server offers. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/discover/discover.h"

namespace mirror::scanner::discover {

struct WebFindings {
  std::string http_url, https_url;  // "": not offered
  std::optional<bool> ipv4, ipv6;   // nullopt: this host cannot tell
  bool http2 = false;
  std::string why_not;  // for each way that does not work: why
  const std::string& base() const { return https_url.empty() ? http_url : https_url; }
};
// Over which schemes and families it answers. With a port in the URL only the URL's scheme is
// tried.
WebFindings check_ways(const Question& question, const std::string& path);

struct FileFindings {
  int asked = 0, there = 0;
  std::string example, words;  // one that is not there, and what the server says of it
};
// Which of the source's files are below `base`, by their sizes.
FileFindings check_files(const Question& question, const std::string& base,
                         const std::vector<db::SourceFile>& files);

// Of a mirror that answers over both schemes: a scheme that has none of the files while the other
// has some goes. Says which, or "". Pure.
std::string drop_other_tree(const FileFindings& https, const FileFindings& http, WebFindings& web);

struct IndexFindings {
  std::string shape;               // of whose server it looks like; "": there is none
  std::vector<std::string> names;  // in it
  bool robots_forbid = false;      // robots.txt asks not to read it
};
IndexFindings check_index(const Question& question, const std::string& base);

}  // namespace mirror::scanner::discover
