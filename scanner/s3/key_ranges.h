// A range of a bucket's keys, which is listed page by page, and the keys at which it can be cut, so
// that the rest is listed beside it. Who lists all keys begins with one range and cuts it whenever
// a connection is free; so the ranges cover all keys, each once, however many lie where. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace mirror::scanner::s3 {

class KeyRange {
 public:
  // "": from the first key on, to the last one. `to` is included.
  explicit KeyRange(std::string after = "", std::string to = "")
      : after_(std::move(after)), to_(std::move(to)) {}

  // Behind this key nothing was listed yet.
  const std::string& after() const { return after_; }
  const std::string& to() const { return to_; }
  bool is_beyond(const std::string& key) const { return !to_.empty() && key > to_; }
  // All keys up to this one are listed, so many more than before.
  void pass(const std::string& key, std::size_t keys);

  std::size_t cuts() const { return cuts_.size(); }
  // About how many keys lie behind the first cut. A guess, until some were passed.
  double keys_to_share() const { return static_cast<double>(cuts_.size()) * keys_of_cut_; }
  // What lies behind the middle one of its cuts; the range itself ends there. REQUIRES: cuts() > 0.
  KeyRange split();

  // For a range without cuts: the folder to look into for some, by a listing of what is directly in
  // it behind after(). At first the upper folders on the way to after(). nullopt: none is left.
  // `prefix`: of all keys.
  std::optional<std::string> folder_to_look_into(const std::string& prefix) const;
  // What was found there: the folders, in any order. `more`: it has more than these.
  void looked(const std::vector<std::string>& folders, bool more);

 private:
  void go_back();
  std::string after_, to_;
  std::deque<std::string> cuts_;       // in order, each behind after_ and before to_
  std::size_t depth_ = 0;              // of the folder to look into
  std::optional<std::size_t> back_;    // the depth to go back to: there are more folders behind
  double keys_of_cut_ = 1e9;           // from one to the next
  std::size_t keys_ = 0, passed_ = 0;  // keys listed and cuts passed since cuts were found
};

}  // namespace mirror::scanner::s3
