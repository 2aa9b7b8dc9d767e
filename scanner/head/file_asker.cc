#include "scanner/head/file_asker.h"

#include <fmt/format.h>

#include <utility>

#include "scanner/check/answers.h"

namespace mirror::scanner::head {
namespace {

using Kind = FileAnswer::Kind;

bool is_there(int status) { return status == 200 || status == 206; }
bool asks_to_wait(int status) { return status == 429 || status == 503; }
bool refuses(int status) {
  return status == 401 || status == 403 || status == 405 || status == 451 || status == 501;
}

FileAnswer without_file(Kind kind, std::string words) {
  FileAnswer answer;
  answer.kind = kind;
  answer.words = std::move(words);
  return answer;
}

}  // namespace

FileAsker::FileAsker(web::WebSettings settings, std::vector<std::string> server_urls)
    : server_urls_(std::move(server_urls)), client_(std::move(settings)) {}

void FileAsker::ask(std::string url, Done done) {
  auto question = std::make_shared<Question>();
  question->urls.push_back(std::move(url));
  question->by_get = head_is_refused_;
  question->done = std::move(done);
  send(std::move(question));
}

void FileAsker::send(std::shared_ptr<Question> question) {
  const bool by_get = question->by_get;
  const std::string url = question->urls.back();
  auto done = [this, kept = std::move(question)](web::WebAnswer&& answer) {
    take(kept, std::move(answer));
  };
  if (by_get)
    client_.get_first_byte(url, std::move(done));
  else
    client_.head(url, std::move(done));
}

void FileAsker::take(const std::shared_ptr<Question>& question, web::WebAnswer&& answer) {
  const net::PoolAnswer& parts = answer.parts;
  multiplexes_ = multiplexes_ || parts.http2;
  if (!answer.fault.empty()) {
    const bool rests = !parts.failure && asks_to_wait(parts.status);
    return question->done(without_file(rests ? Kind::resting : Kind::failed, answer.fault));
  }
  if (probe::is_redirect(parts.status)) {
    std::optional<FileAnswer> fault = follow(*question, parts);
    return fault ? question->done(std::move(*fault)) : send(question);
  }
  const bool tells_no_size = is_there(parts.status) && !probe::size_in(parts);
  const bool knows_why = parts.status == 403 && forbidden_is_gone_;
  if (!question->by_get && !knows_why &&
      (tells_no_size || probe::head_may_be_refused(parts.status))) {
    question->by_get = true;
    return send(question);
  }
  FileAnswer judged = judge(parts);
  // One file that HEAD is refused for tells little, one that GET then gets tells all.
  if (question->by_get && judged.kind == Kind::there) head_is_refused_ = true;
  question->done(std::move(judged));
}

// nullopt: the question has its next URL.
std::optional<FileAnswer> FileAsker::follow(Question& question,
                                            const net::PoolAnswer& answer) const {
  if (question.urls.size() == 1) question.public_only = !probe::is_private_text(answer.peer);
  const probe::RedirectFault fault =
      probe::redirect_fault(question.urls, answer.redirect_url, server_urls_, question.public_only);
  if (fault) return without_file(Kind::refused, probe::bounded(fault.words));
  question.urls.push_back(answer.redirect_url);
  return std::nullopt;
}

FileAnswer FileAsker::judge(const net::PoolAnswer& answer) const {
  const int status = answer.status;
  const std::optional<std::int64_t> size = probe::size_in(answer);
  const bool empty = status == 416 && size == 0;  // there is no first byte
  if (empty || (is_there(status) && size)) {
    FileAnswer found;
    found.kind = Kind::there;
    found.size_bytes = *size;
    found.mtime_s = probe::mtime_in(answer);
    return found;
  }
  const std::string words = fmt::format("answers {}", status);
  if (status == 404 || status == 410 || (status == 403 && forbidden_is_gone_))
    return without_file(Kind::gone, words);
  if (is_there(status)) return without_file(Kind::refused, "does not tell how large it is");
  return without_file(refuses(status) ? Kind::refused : Kind::failed, words);
}

}  // namespace mirror::scanner::head
