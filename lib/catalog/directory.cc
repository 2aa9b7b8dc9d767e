#include "catalog/directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "catalog/crashes.h"
#include "catalog/error.h"
#include "installed.h"
#include "os/descriptor.h"
#include "os/file_id.h"

namespace mirror::catalog {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "catalog.", kSuffix = ".mdb", kLockSuffix = "-lock";
constexpr mode_t kMode = 0640;
constexpr std::size_t kMaxDigits = 18;
constexpr std::uint64_t kMaxNumber = 999'999'999'999'999'999;

// catalog.N.mdb's N; nullopt for other names.
std::optional<std::uint64_t> number_of(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
      name.size() <= kPrefix.size() + kSuffix.size())
    return std::nullopt;
  const std::string digits(
      name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
  if (digits.size() > kMaxDigits ||
      !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  return std::stoull(digits);
}

// The name of the catalog that a file belongs to: it, or what LMDB and crashes leave beside it.
std::string catalog_of(const fs::path& file) {
  std::string name = file.filename();
  for (const std::string_view suffix : {kLockSuffix, kCrashesSuffix}) {
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  }
  return name;
}

// "" of a file that does not exist. What cannot be read now may well say something: that is an
// Error.
std::string first_line(const std::string& file) {
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0 && errno == ENOENT) return "";
  char text[4096];
  const ssize_t length = in.get() < 0 ? -1 : ::read(in.get(), text, sizeof text);
  if (length < 0) throw Error(file, errno);
  const std::string_view all(text, static_cast<std::size_t>(length));
  return std::string(all.substr(0, all.find('\n')));
}

void write_safely(const std::string& file, const std::string& text) {
  const Descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
  if (out.get() < 0) throw Error(file, errno);
  write_all(out.get(), file, text);
  if (::fsync(out.get()) != 0) throw Error(file, errno);
}

}  // namespace

void write_all(int fd, const std::string& name, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) throw Error(name, put < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

bool sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory.get() >= 0 && ::fsync(directory.get()) == 0;
}

bool WriterLock::in_place() const { return file_id(file_) == file_id(descriptor_.get()); }

Unfinished::~Unfinished() {
  if (finished_) return;
  for (const std::string_view suffix : {std::string_view(), kLockSuffix, kCrashesSuffix}) {
    ::unlink((file_ + std::string(suffix)).c_str());
  }
}

std::string default_directory(const std::string& database) {
  std::string name;
  for (const char c : database)
    name += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' ? c : '_';
  return MIRROR_STATEDIR "/" + name;
}

std::optional<std::string> Directory::current() const {
  const std::string name = first_line(path_ + "/CURRENT");
  if (!number_of(name)) return std::nullopt;
  return path_ + '/' + name;
}

std::optional<WriterLock> Directory::try_lock(const std::string& whose) const {
  const std::string file = path_ + "/writer";
  Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode));
  if (lock.get() < 0) throw Error(file, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    throw Error(file, errno);
  }
  const std::string line = whose + '\n', before = first_line(file);
  if (before != whose) {
    // Before the name says that it is ours.
    const std::string current = path_ + "/CURRENT";
    if (!before.empty() && ::unlink(current.c_str()) != 0 && errno != ENOENT)
      throw Error(current, errno);
    if (::ftruncate(lock.get(), 0) != 0) throw Error(file, errno);
    write_all(lock.get(), file, line);
  }
  return WriterLock(std::move(lock), file);
}

std::string Directory::writer() const { return first_line(path_ + "/writer"); }

bool Directory::is_written() const {
  const Descriptor lock(::open((path_ + "/writer").c_str(), O_RDONLY | O_CLOEXEC));
  return lock.get() >= 0 && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

std::string Directory::unused_file(const std::string& after) const {
  std::set<std::uint64_t> used;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    if (const auto number = number_of(catalog_of(entry.path()))) used.insert(*number);
  }
  if (error) throw Error(path_, error.value());
  std::uint64_t number = 0;
  for (const std::string& before : {current().value_or(""), after})
    number = std::max(number, number_of(fs::path(before).filename().string()).value_or(0));
  do {
    number = number % kMaxNumber + 1;
  } while (used.contains(number));
  return fmt::format("{}/{}{}{}", path_, kPrefix, number, kSuffix);
}

void Directory::publish(const std::string& file) const {
  const std::string next = path_ + "/CURRENT.new";
  write_safely(next, fs::path(file).filename().string() + '\n');
  if (::rename(next.c_str(), (path_ + "/CURRENT").c_str()) != 0) throw Error(next, errno);
  // From here on it is in use. If the new name is not safe on disk yet, the old file may be needed
  // after a power cut.
  if (sync_directory(path_)) remove_others();
}

void Directory::remove_others() const {
  const std::string kept = fs::path(current().value_or("")).filename();
  std::error_code error;
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    const std::string name = catalog_of(entry.path());
    if (number_of(name) && name != kept) others.push_back(entry.path());
  }
  for (const auto& other : others) fs::remove(other, error);
}

void Directory::note_contact() const {
  const std::string file = path_ + "/contact";
  const Descriptor contact(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kMode));
  if (contact.get() < 0 || ::futimens(contact.get(), nullptr) != 0) throw Error(file, errno);
}

void Directory::forget_contact() const {
  const std::string file = path_ + "/contact";
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) throw Error(file, errno);
}

std::int64_t Directory::contact_s() const {
  struct stat contact;
  return ::stat((path_ + "/contact").c_str(), &contact) == 0 ? contact.st_mtim.tv_sec : 0;
}

}  // namespace mirror::catalog
