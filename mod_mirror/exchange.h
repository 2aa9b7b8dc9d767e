// What one request gets: the file is looked up, decided about by mirror::decide, and the answer
// sent. handler.h says which requests come here. Lives in the thread of its request.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "access.h"
#include "answer/decide.h"
#include "answer/repositories.h"
#include "dir_config.h"
#include "explain.h"
#include "path_lookup.h"
#include "request.h"
#include "rest.h"

namespace mirror::httpd {

// One request on its way. What it gets is an Outcome; finish() is the one place that sends it.
class Exchange {
 public:
  // `local` is the file on disk of a local tree: the request's own, or that whose representation it
  // asks for by suffix.
  Exchange(request_rec* r, const DirConfig& config, std::string_view path, request_rec* local);

  int run() { return finish(for_file()); }
  // For what httpd has found no file for in a local tree: the file may be gone from the source, and
  // in its grace time.
  int run_gone();
  // For the mirrors of a repository: the path is its marker's.
  int run_list(const Repository& repository) { return finish(for_list(repository)); }
  // Writes the notes, and the answer or what declining means for the tree; where that is wished,
  // the explanation instead.
  int finish(Outcome outcome);
  const Request& request() const { return request_; }

 private:
  // An answer, or the status that httpd makes one of.
  using Instead = std::variant<Outcome::Answer, int>;

  bool has_masked_url() const;
  std::optional<DeclineReason> screened_as_mirrorbrain() const;
  std::optional<DeclineReason> screened() const;
  Outcome for_file();
  Outcome for_list(const Repository& repository);
  Outcome for_lookup();
  Outcome decided();
  Outcome without_lookup();
  void find();
  std::unique_ptr<Lookup> find_with(HashParts parts);
  RestReader rest_of(const Outcome& outcome) const;
  Check needed_check() const;
  int right_to(std::string_view path);
  Outcome forbidden(int status) const;
  void locate();
  void name_tree(request_rec* named, std::string_view path);
  bool take_suffix();
  bool may_have_suffix() const;
  bool is_local_version(const File& file) const;
  void write_notes(const Outcome& outcome);
  void write_compat_notes(const Outcome& outcome);
  void add_compat_headers(const Outcome& outcome, Headers& headers) const;
  void note_shadow(const Outcome& outcome);
  int decline(DeclineReason reason);
  Instead instead_of(DeclineReason reason) const;
  std::optional<DeclineReason> not_in_grace();
  Address asking_address() const;

  // exchange_choice.cc
  std::uint64_t number_of(const Mirror& mirror) const;
  bool is_download() const;
  std::int64_t repeat_window_s() const;
  std::uint64_t request_number() const;
  void prepare_choice();
  void count_redirect(const Outcome& outcome) const;
  void count_demand(const Outcome& outcome) const;

  // exchange_explain.cc
  static bool is_refused(const Outcome& outcome);
  void explain_mirrors(std::optional<Representation> which, Explanation& told) const;
  std::unique_ptr<Explanation> explained_lookup(std::optional<Representation> which) const;
  void look_for_explanation(const Outcome& outcome);
  ExplainedAnswer explained_answer(const Outcome& outcome) const;
  int explain(const Outcome& outcome);

  request_rec* r_;
  const DirConfig& config_;
  const Settings settings_;
  const std::string_view asked_;  // the path that the URL stands for, with its suffix
  Request request_;
  const std::optional<ExplainWish> explain_;
  std::unique_ptr<Explanation> explanation_;  // as far as the lookup tells
  request_rec* local_;                        // null: a database tree, or a repository
  TreeUrl tree_;
  Client client_;
  RestReader rest_;                                       // what follows the answer's body
  std::unique_ptr<Lookup> lookup_;                        // what the outcome refers to
  DeclineReason missing_ = DeclineReason::database_down;  // why there is no lookup_
  std::optional<std::int64_t> size_bytes_, catalog_age_s_;
};

}  // namespace mirror::httpd
