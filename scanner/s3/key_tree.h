// A bucket's keys, which know no folders, as the files of a tree. Pure; one thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "scanner/s3/list_page.h"

namespace mirror::scanner::s3 {

class KeyTree {
 public:
  using Sink = std::function<void(ListedObject&&)>;
  using OddSink = std::function<void(std::string_view key)>;

  // `prefix` goes before every key; what `sink` gets has it no more. A key that no tree can have is
  // given to `odd`: one that is no path, and one that is a file and a folder at once. Markers of
  // folders, which end in '/' and are empty, are left out.
  KeyTree(std::string prefix, Sink sink, OddSink odd)
      : prefix_(std::move(prefix)), sink_(std::move(sink)), odd_(std::move(odd)) {}

  // Keys must come in the order of their bytes; a file is passed on once it is sure to be none of a
  // folder's names. False: this key does not follow the last one.
  bool add(ListedObject&& object);
  // After the last key.
  void finish();

 private:
  void drop_if_folder(std::string_view key);

  std::string prefix_;
  Sink sink_;
  OddSink odd_;
  std::string last_;
  std::vector<ListedObject> held_;  // each one's key is the beginning of the next one's
};

}  // namespace mirror::scanner::s3
