// What an exchange knows of the requests before it: who asks again, how much traffic redirects
// cause on each mirror, and which files are asked for.
#include "child.h"
#include "core/fnv.h"
#include "exchange.h"

namespace mirror::httpd {

std::uint64_t Exchange::number_of(const Mirror& mirror) const {
  const auto catalog = config_.catalog_index();
  const std::string& tree = catalog ? globals().catalogs[*catalog].directory
                                    : globals().databases[config_.database->index].conninfo;
  return Traffic::number_of(tree, mirror.id);
}

// HEAD tells only where a file is, and a range is a download that goes on.
bool Exchange::is_download() const {
  return request_.method == Method::get && !wanted(request_) && !explain_ &&
         apr_table_get(r_->headers_in, "Range") == nullptr;
}

std::int64_t Exchange::repeat_window_s() const {
  return is_download() ? config_.repeat_s.value_or(kDefaultRepeatS) : 0;
}

// The client and the file, for RecentRequests.
std::uint64_t Exchange::request_number() const {
  const std::uint64_t client = client_number(client_.address.located());
  return fnv1a(request_.user_agent, fnv1a(request_.path, scattered(client)));
}

void Exchange::prepare_choice() {
  const Child* self = child();
  if (self == nullptr) return;
  request_.is_full = [this, self](const Mirror& mirror) {
    return self->traffic->is_full(number_of(mirror), mirror.max_mbit, request_.now_s);
  };
  if (const std::int64_t window_s = repeat_window_s(); window_s > 0)
    request_.turn = self->recent_requests->turn(request_number(), request_.now_s, window_s);
}

// A download that is sent to a mirror.
void Exchange::count_redirect(const Outcome& outcome) const {
  const Child* self = child();
  if (self == nullptr || outcome.mirror == nullptr || !is_download()) return;
  self->traffic->add(number_of(*outcome.mirror), size_bytes_.value_or(0), request_.now_s);
  if (const std::int64_t window_s = repeat_window_s(); window_s > 0)
    self->recent_requests->note(request_number(), request_.now_s, window_s);
}

// A download that this client may have, whoever serves it.
void Exchange::count_demand(const Outcome& outcome) const {
  const Child* self = child();
  const auto catalog = config_.catalog_index();
  if (self == nullptr || !catalog || !lookup_ || lookup_->found != Found::file || !is_download() ||
      is_refused(outcome))
    return;
  self->demand.at(*catalog)->note(lookup_->file.path);
}

}  // namespace mirror::httpd
