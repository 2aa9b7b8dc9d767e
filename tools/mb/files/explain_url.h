// mb explain URL: what the running httpd of this machine would do, and why, by its own word.
#pragma once

#include <string>

namespace mirror::mb {

struct UrlQuestion {
  std::string url;         // http:// or https://
  std::string client;      // the address that is explained for; "": this machine's own request
  std::string query;       // goes into the URL besides its own: "country=de"
  std::string connect;     // --connect: HOST:PORT; "": 127.0.0.1, else ::1, and the URL's port
  std::string user_agent;  // "": mb's own
  std::string ca_file;     // "": the system's
  std::string key_file;    // "": where httpd has it by default
  bool json = false;
};

bool is_web_url(const std::string& text);  // begins with http:// or https://, in any case

// Says the explanation and returns the exit status. Throws UsageError for what cannot be asked, and
// Failure when httpd does not explain.
int explain_url(const UrlQuestion& question);

}  // namespace mirror::mb
