// A text that somebody changes in an editor, in a file of its own. One thread.
#pragma once

#include <string>
#include <string_view>

namespace mirror::mb {

class EditedFile {
 public:
  // Makes the file, which only this user may read, in TMPDIR or /tmp. Throws Failure.
  EditedFile(std::string_view name, std::string_view text);
  // Removes it unless it was kept.
  ~EditedFile();
  EditedFile(const EditedFile&) = delete;
  EditedFile& operator=(const EditedFile&) = delete;

  const std::string& path() const { return path_; }
  void write(std::string_view text);
  // Runs $VISUAL, $EDITOR, or else editor or vi. Throws Failure if it fails.
  void open_editor();
  std::string read() const;
  void keep() { kept_ = true; }

 private:
  std::string path_;
  bool kept_ = false;
};

}  // namespace mirror::mb
