// The right to a file. An answer about a file needs the right to that file's own URL. This may be
// another URL than the request's: a representation is asked for by a suffix, a link leads to
// another file, a repository's list is about its marker. httpd's own rules decide, in a subrequest.
#pragma once

#include <string>
#include <string_view>

#include "dir_config.h"

namespace mirror::httpd {

// What a request carries from one hook to the next, in its request_config.
struct RequestNote {
  const DirConfig* taken = nullptr;       // by take_request(): of the tree
  const DirConfig* checked_as = nullptr;  // while access_to() asks for a file of a database tree
  const char* challenge = nullptr;        // of the last 401 or 407 that access_to() returned
};
RequestNote* note_of(const request_rec* r);  // nullptr: there is none
RequestNote& make_note(request_rec* r);      // there is one from now on

// In translate_name: takes a subrequest of access_to(), so that httpd does not look at the disk for
// it. False for all other requests.
bool take_access_check(request_rec* r);

// When httpd is asked, and what counts.
enum class Check {
  by_need,         // asked where the configuration may tell URLs apart (url_rules.h)
  always,          // asked in any case: rules of files may differ as well
  in_known_folder  // the same; 403 for a file of a local tree whose folder is not on disk, since
                   // httpd cannot know that folder's rules
};

// OK when httpd's rules let this request's client fetch the file of that path of the tree by GET,
// else the status to answer with, which needs send_challenge(). `asked` is the
// path of the tree that the URL itself stands for. Costs a subrequest where httpd is asked,
// otherwise nothing. In a database tree it does no I/O of its own. In a local tree the rules of
// directories and files count too; of directories that are not on disk, only those of <Files> do.
int access_to(request_rec* r, const DirConfig& config, std::string_view asked,
              std::string_view path, Check check);
// What a 401 or 407 that access_to() returned needs, if it is sent.
void send_challenge(request_rec* r, int status);

}  // namespace mirror::httpd
