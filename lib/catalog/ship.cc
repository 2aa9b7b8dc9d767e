#include "catalog/ship.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>

#include "catalog/batch.h"
#include "catalog/directory.h"
#include "catalog/error.h"
#include "catalog/reader.h"
#include "os/descriptor.h"

namespace mirror::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = "\nmod_mirror catalog, SHA-256:\n";
constexpr std::size_t kDigestBytes = 32, kEndBytes = kMark.size() + kDigestBytes;
constexpr std::size_t kBlockBytes = 1 << 20;
constexpr std::int64_t kCohortsPerBatch = 10'000;
// LMDB's first page: 16 bytes of the page, then the magic number in the host's order.
constexpr std::size_t kMagicAt = 16;
constexpr std::uint32_t kMagic = 0xbeefc0de;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      throw std::bad_alloc();
  }
  void add(std::string_view bytes) {
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) throw std::bad_alloc();
  }
  std::string value() {
    std::string digest(kDigestBytes, '\0');
    if (EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                           nullptr) != 1)
      throw std::bad_alloc();
    return digest;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

// Appends the next bytes to `block`; false at the end.
bool read_more(int fd, const std::string& name, std::string& block) {
  const std::size_t before = block.size();
  block.resize(before + kBlockBytes);
  ssize_t got = 0;
  do {
    got = ::read(fd, block.data() + before, kBlockBytes);
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw Error(name, errno);
  block.resize(before + static_cast<std::size_t>(got));
  return got > 0;
}

bool begins_as_lmdb(std::string_view block) {
  std::uint32_t magic = 0;
  if (block.size() < kMagicAt + sizeof magic) return false;
  std::memcpy(&magic, block.data() + kMagicAt, sizeof magic);
  return magic == kMagic;
}

// A folder of our own beside a file, for unfinished work. Its lock ends with its process, and the
// next process that works beside that file removes what is left.
class Workshop {
 public:
  explicit Workshop(const fs::path& file) {
    const fs::path parent = file.parent_path().empty() ? fs::path(".") : file.parent_path();
    const std::string prefix = "." + file.filename().string() + ".";
    remove_deserted(parent, prefix);
    do {
      path_ = parent / (prefix + std::string(kRandom));
      if (::mkdtemp(path_.data()) == nullptr) throw Error(path_, errno);
    } while (!lock());
  }
  ~Workshop() { remove(path_); }
  Workshop(const Workshop&) = delete;
  std::string operator/(const char* name) const { return path_ + '/' + name; }

 private:
  static constexpr std::string_view kRandom = "XXXXXX";  // for mkdtemp
  static constexpr std::string_view kOurs[] = {"copy", "copy-lock", "whole"};

  // False: another process has just taken it for a deserted folder. If nothing can be locked,
  // nobody removes anything either.
  bool lock() {
    lock_.emplace(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (const int code = errno; lock_->get() < 0 && code != ENOENT) {
      ::rmdir(path_.c_str());
      throw Error(path_, code);
    }
    struct stat ours, there;
    while (lock_->get() >= 0 && ::flock(lock_->get(), LOCK_EX) != 0 && errno == EINTR) {
    }
    return lock_->get() >= 0 && ::fstat(lock_->get(), &ours) == 0 &&
           ::stat(path_.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
  }

  static void remove(const fs::path& folder) {
    std::error_code error;
    for (const std::string_view name : kOurs) fs::remove(folder / name, error);
    fs::remove(folder, error);  // stays when there is anything else in it
  }

  static void remove_deserted(const fs::path& parent, const std::string& prefix) {
    std::error_code error;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(parent, error)) {
      const std::string name = entry.path().filename();
      if (name.size() == prefix.size() + kRandom.size() && name.starts_with(prefix))
        found.push_back(entry.path());
    }
    for (const fs::path& folder : found) {
      const Descriptor lock(
          ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (lock.get() >= 0 && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 && has_only_ours(folder))
        remove(folder);
    }
  }

  static bool has_only_ours(const fs::path& folder) {
    std::error_code error;
    const fs::directory_iterator entries(folder, error);
    return !error &&
           std::all_of(begin(entries), end(entries), [](const fs::directory_entry& entry) {
             return std::find(std::begin(kOurs), std::end(kOurs),
                              entry.path().filename().string()) != std::end(kOurs);
           });
  }

  std::string path_;
  std::optional<Descriptor> lock_;
};

std::vector<Mirror> useful_mirrors(const MirrorTable& table, Region region) {
  std::vector<Mirror> useful;
  std::copy_if(table.all().begin(), table.all().end(), std::back_inserter(useful),
               [&](const Mirror& mirror) { return useful_in(mirror, region); });
  return useful;
}

void reduce_to(Region region, Environment& copy, Meta& meta) {
  const Snapshot before(copy.shared_from_this());
  const MirrorTable useful(meta.mirrors_rev, useful_mirrors(*before->mirrors(), region));
  std::optional<Batch> batch(std::in_place, copy);
  std::int64_t written = 0;
  before->each_cohort([&](std::int64_t id, const CohortRecord& cohort) {
    std::vector<MirrorId> kept = cohort.mirrors.ids();
    if (std::erase_if(kept, [&](MirrorId mirror) { return useful.find(mirror) == nullptr; }) == 0)
      return true;
    batch->put_cohort(id, kept);
    if (++written % kCohortsPerBatch == 0) {
      batch->commit();
      batch.reset();
      batch.emplace(copy);
    }
    return true;
  });
  batch->put_mirrors(useful.all(), before->mirrors()->rules(), meta, before->mirrors()->pause());
  meta.region = region;
  batch->commit();
}

// Ends the file as unpack() wants it.
void seal(const std::string& file) {
  const Descriptor whole(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (whole.get() < 0) throw Error(file, errno);
  Sha256 digest;
  std::string block;
  while (read_more(whole.get(), file, block)) {
    digest.add(block);
    block.clear();
  }
  write_all(whole.get(), file, std::string(kMark) + digest.value());
  if (::fsync(whole.get()) != 0) throw Error(file, errno);
}

}  // namespace

bool useful_in(const Mirror& mirror, Region region) {
  if (region == Region::unknown || mirror.region == region || mirror.country.everyone())
    return true;
  return std::any_of(
      mirror.other_countries.begin(), mirror.other_countries.end(),
      [&](CountryCode country) { return country.everyone() || region_of(country) == region; });
}

Meta export_to(const Environment& environment, const std::string& file, std::int64_t as_of_s,
               Region region) {
  const Workshop workshop(file);
  const std::string copied = workshop / "copy", whole = workshop / "whole";
  environment.copy_to(copied);
  Meta meta;
  {
    Access access;
    access.max_bytes = environment.size().max_bytes;
    const auto copy = Environment::open(copied, Open::create, access);
    meta = Snapshot(copy)->meta();
    if (meta.region != Region::unknown && region != Region::unknown && meta.region != region) {
      throw Error(
          environment.file() + " has only the mirrors for " + std::string(region_code(meta.region)),
          0);
    }
    if (region != Region::unknown && region != meta.region) reduce_to(region, *copy, meta);
    meta.as_of_s = std::max(meta.as_of_s, as_of_s);
    Batch batch(*copy);
    batch.put_meta(meta);
    batch.commit();
    copy->copy_to(whole);  // what was written anew left holes
  }
  seal(whole);
  if (::rename(whole.c_str(), file.c_str()) != 0) throw Error(file, errno);
  const fs::path parent = fs::path(file).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  if (!sync_directory(folder)) throw Error(folder, errno);
  return meta;
}

void unpack(int fd, const std::string& name, const std::string& file) {
  const Descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (out.get() < 0) throw Error(file, errno);
  Sha256 digest;
  std::string held;  // what may be the end
  bool looked = false;
  while (read_more(fd, name, held)) {
    if (held.size() <= kEndBytes) continue;
    if (!looked && !begins_as_lmdb(held)) break;
    looked = true;
    const std::string_view now = std::string_view(held).substr(0, held.size() - kEndBytes);
    digest.add(now);
    write_all(out.get(), file, now);
    held.erase(0, now.size());
  }
  if (!looked) throw Error(name + " is not a catalog", 0);
  if (!held.starts_with(kMark))
    throw Error(name + " is cut off, or was not made by `mb catalog export`", 0);
  if (held.substr(kMark.size()) != digest.value())
    throw Error(name + " is damaged: its SHA-256 is not the one at its end", 0);
  if (::fsync(out.get()) != 0) throw Error(file, errno);
}

}  // namespace mirror::catalog
