#include "scanner/report/report_lines.h"

#include <algorithm>

#include "core/number.h"
#include "scanner/report/ls_line.h"
#include "scanner/rsync/rsync_list.h"

namespace mirror::scanner::report {
namespace {

constexpr Shape kShapes[] = {Shape::rsync, Shape::ls, Shape::sums, Shape::find};

// What comes before the next blank, which is taken off too.
std::string_view take_field(std::string_view& rest) {
  const std::size_t blank = rest.find(' ');
  if (blank == rest.npos) return "";
  const std::string_view field = rest.substr(0, blank);
  rest.remove_prefix(blank + 1);
  return field;
}

// Unix time, with whatever part of a second.
std::optional<std::int64_t> unix_time(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot != text.npos && text.find_first_not_of("0123456789", dot + 1) != text.npos)
    return std::nullopt;
  return whole_number<std::int64_t>(text.substr(0, dot));
}

// "./pool/a" and "pool/a" are the same; "." and "" are the root.
std::string_view relative(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  return path.empty() ? "." : path;
}

std::optional<ListedKind> kind_of(std::string_view type) {
  if (type.size() != 1) return std::nullopt;
  switch (type[0]) {
    case 'f':
      return ListedKind::file;
    case 'd':
      return ListedKind::directory;
    case 'l':
      return ListedKind::link;
    case 'b':
    case 'c':
    case 'p':
    case 's':
    case 'D':
      return ListedKind::special;
    default:
      return std::nullopt;
  }
}

bool parse_sums(std::string_view text, Line& line) {
  line.digest = parse_sums_line(text);
  if (!line.digest) return false;
  line.entry = Entry();
  line.entry.world_readable = true;
  line.entry.path = line.digest->name;
  return true;
}

}  // namespace

std::string_view shape_name(Shape shape) {
  constexpr std::string_view kNames[] = {"rsync --list-only", "find -printf", "ls -lR",
                                         "sha256sum"};
  return kNames[static_cast<std::size_t>(shape)];
}

Lines::Taken Lines::take(std::string_view text, Line& line) {
  if (text.find_first_not_of(" \r") == text.npos) return {};
  line.digest.reset();
  if (shape_ == Shape::ls && take_header(text)) return {};
  if (shape_) return parse(*shape_, text, line) ? Taken{true, false} : Taken{false, true};
  for (const Shape shape : kShapes) {
    if (!parse(shape, text, line)) continue;
    shape_ = shape;
    return {true, false};
  }
  if (take_header(text)) {
    shape_ = Shape::ls;
    return {};
  }
  return {false, true};
}

bool Lines::parse(Shape shape, std::string_view text, Line& line) {
  switch (shape) {
    case Shape::rsync:
      return parse_rsync_line(text, line.entry);
    case Shape::find:
      return parse_find(text, line);
    case Shape::ls:
      return parse_ls(text, line);
    case Shape::sums:
      return parse_sums(text, line);
  }
  return false;
}

bool Lines::parse_find(std::string_view text, Line& line) const {
  Entry& entry = line.entry = Entry();
  entry.world_readable = true;
  std::string_view rest = text;
  if (const auto kind = kind_of(rest.substr(0, rest.find(' ')))) {
    take_field(rest);
    const auto mode = whole_number<std::int64_t>(take_field(rest), 8);
    if (!mode || *mode < 0) return false;
    entry.kind = *kind;
    entry.world_readable = (*mode & 4) != 0 && (*kind != ListedKind::directory || (*mode & 1) != 0);
  }
  const auto size = whole_number<std::int64_t>(take_field(rest));
  const auto time = unix_time(take_field(rest));
  if (!size || *size < 0 || !time) return false;
  entry.size_bytes = *size;
  entry.mtime_s = *time;
  entry.path = relative(rest);
  return true;
}

// "./pool:" begins a folder, and "total 1234" comes behind it.
bool Lines::take_header(std::string_view text) {
  if (text.starts_with("total ")) return whole_number<std::int64_t>(text.substr(6)).has_value();
  if (!text.ends_with(':')) return false;
  std::string_view folder = text.substr(0, text.size() - 1);
  Line ignored;
  if (shape_ && parse_ls(text, ignored)) return false;  // a file whose name ends in a colon
  if (!base_) base_ = folder;
  if (folder == *base_) {
    folder_.clear();
    return true;
  }
  const std::string below = base_->ends_with('/') ? *base_ : *base_ + '/';
  if (!folder.starts_with(below)) return false;
  folder_ = folder.substr(below.size());
  return true;
}

bool Lines::parse_ls(std::string_view text, Line& line) {
  db::Precision precision = db::Precision::second;
  if (!parse_ls_line(text, now_s_, line.entry, precision)) return false;
  if (line.entry.kind == ListedKind::file) precision_ = std::max(precision_, precision);
  if (!folder_.empty()) line.entry.path = folder_ + '/' + line.entry.path;
  return true;
}

}  // namespace mirror::scanner::report
