#include "hashing/hasher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <stdexcept>
#include <system_error>

namespace mirror::hash {
namespace {

struct Stopped {};

// For bytes that are about to be read, or that the page cache has just given.
void wait_for_turn(Shared& shared, std::size_t bytes) {
  if (shared.stop || shared.over) throw Stopped();
  shared.throttle.take(static_cast<std::int64_t>(bytes));
}

// Reads what is in the page cache, and nothing else.
bool read_cached(int fd, std::int64_t offset, std::span<char> into) {
  const iovec all{into.data(), into.size()};
  return preadv2(fd, &all, 1, offset, RWF_NOWAIT) == static_cast<ssize_t>(into.size());
}

// Whether most of a file is in the page cache, judged by a few single bytes. FADV_RANDOM prevents
// reading ahead. If the file system cannot tell, nothing counts as cached.
bool is_cached(int fd, std::int64_t size_bytes) {
  constexpr std::int64_t kProbes = 8;
  posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  int found = 0;
  for (std::int64_t i = 0; i < kProbes; ++i) {
    char byte;
    found += read_cached(fd, (2 * i + 1) * size_bytes / (2 * kProbes), {&byte, 1}) ? 1 : 0;
  }
  return 2 * found > kProbes;
}

// Reads a file in order and leaves the page cache as it was: what was not there before goes again
// behind the reading.
class FileReader {
 public:
  FileReader(Shared& shared, int fd, std::int64_t size_bytes)
      : shared_(shared), fd_(fd), size_bytes_(size_bytes), keep_(is_cached(fd, size_bytes)) {
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~FileReader() {
    if (!keep_) posix_fadvise(fd_, dropped_, 0, POSIX_FADV_DONTNEED);
  }
  FileReader(const FileReader&) = delete;

  // Never beyond the size that the file had: a file that grows faster than it is read would never
  // end.
  std::size_t operator()(std::span<char> into) {
    const auto wanted = static_cast<std::size_t>(
        std::min<std::int64_t>(static_cast<std::int64_t>(into.size()), size_bytes_ - at_));
    wait_for_turn(shared_, wanted);
    std::size_t length = 0;
    while (length < wanted) {
      const ssize_t got = read(fd_, into.data() + length, wanted - length);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw std::system_error(errno, std::generic_category());
      if (got == 0) break;
      length += static_cast<std::size_t>(got);
    }
    at_ += static_cast<std::int64_t>(length);
    shared_.bytes_read += static_cast<std::int64_t>(length);
    if (!keep_ && at_ - dropped_ >= kDropBytes) {
      posix_fadvise(fd_, dropped_, at_ - dropped_, POSIX_FADV_DONTNEED);
      dropped_ = at_;
    }
    return length;
  }
  std::int64_t bytes() const { return at_; }

 private:
  static constexpr std::int64_t kDropBytes = 8 << 20;
  Shared& shared_;
  const int fd_;
  const std::int64_t size_bytes_;
  const bool keep_;
  std::int64_t at_ = 0, dropped_ = 0;
};

}  // namespace

void read_signature(const SourceTree& tree, const Job& job, FileHashes& hashes,
                    std::optional<std::int64_t>& ctime_ns) {
  Signature signature = job.is_signed ? tree.read_signature(job.target.path) : Signature();
  hashes.signature = std::move(signature.text);
  hashes.signature_kind = signature.kind;
  ctime_ns = signature.ctime_ns;
}

Hasher::Hasher(Shared& shared, std::size_t ring_blocks, Board board)
    : shared_(shared),
      board_(std::move(board)),
      ring_(ring_blocks * digest::kBlockBytes, '\0'),
      lanes_(shared.kinds) {}

// false: it ended before its size.
bool Hasher::read_block(int fd, std::int64_t size_bytes) {
  const std::span<char> whole(ring_.data(), static_cast<std::size_t>(size_bytes));
  std::size_t length = whole.size();
  if (whole.empty() || read_cached(fd, 0, whole)) {
    wait_for_turn(shared_, length);
    shared_.bytes_read += size_bytes;
  } else {
    length = FileReader(shared_, fd, size_bytes)(whole);
  }
  for (digest::Lane* lane : lanes_.start(size_bytes)) lane->add({whole.data(), length});
  return length == whole.size();
}

void Hasher::read_blocks(const Read& read, std::int64_t size_bytes) {
  const std::vector<digest::Lane*>& lanes = lanes_.start(size_bytes);
  const auto pass = std::make_shared<digest::SharedPass>(lanes, ring_, board_.wake);
  board_.publish(pass);
  try {
    pass->run(read);
  } catch (...) {
    board_.withdraw(pass);
    throw;
  }
  board_.withdraw(pass);
}

// false: it ended before its size.
bool Hasher::read_file(int fd, std::int64_t size_bytes) {
  if (size_bytes <= static_cast<std::int64_t>(digest::kBlockBytes))
    return read_block(fd, size_bytes);
  FileReader reader(shared_, fd, size_bytes);
  read_blocks([&](std::span<char> into) { return reader(into); }, size_bytes);
  return reader.bytes() == size_bytes;
}

s3::ObjectReader Hasher::object_reader(const std::string& path, std::int64_t size_bytes,
                                       std::int64_t mtime_s) {
  if (!fetcher_) fetcher_.emplace();
  return {*shared_.bucket, *fetcher_, path,
          size_bytes,      mtime_s,   [this] { return shared_.stop || shared_.over; }};
}

FileOutcome Hasher::read_object(Done& done) {
  const Job& job = done.job;
  s3::ObjectReader reader =
      object_reader(job.target.path, job.status.size_bytes, job.status.mtime_s);
  const auto read = [&](std::span<char> into) {
    wait_for_turn(shared_, into.size());
    const std::size_t length = reader.read(into);
    shared_.bytes_read += static_cast<std::int64_t>(length);
    return length;
  };
  try {
    read_blocks(read, job.status.size_bytes);
  } catch (const s3::ObjectChanged&) {
    return FileOutcome::changed;
  } catch (const std::runtime_error&) {
    if (shared_.stop || shared_.over) throw Stopped();
    throw;
  }
  if (reader.bytes() != job.status.size_bytes) return FileOutcome::changed;
  done.hashes = lanes_.finish();
  digest::add_info_hashes(done.hashes, job.target.path, job.status.size_bytes);
  return FileOutcome::hashed;
}

FileOutcome Hasher::read_content(Done& done) {
  if (shared_.tree == nullptr) return read_object(done);
  const std::string& path = done.job.target.path;
  const Descriptor file = shared_.tree->open_file(path);
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV || errno == ENXIO)
      return FileOutcome::gone;
    if (errno == EAGAIN) return FileOutcome::changed;  // openat2: a rename raced with the way there
    throw std::system_error(errno, std::generic_category());
  }
  const auto look = [&] {
    struct stat found {};
    if (fstat(file.get(), &found) != 0) throw std::system_error(errno, std::generic_category());
    return status_of(found);
  };
  const FileStatus before = look();
  if (!before.regular) return FileOutcome::gone;
  if (!before.same_content(done.job.status)) return FileOutcome::changed;
  const bool whole = read_file(file.get(), before.size_bytes);
  if (!whole || !look().same_content(before)) return FileOutcome::changed;
  done.hashes = lanes_.finish();
  digest::add_info_hashes(done.hashes, path, before.size_bytes);
  return FileOutcome::hashed;
}

// What is not the object that the last scan found is left for after the next one.
void Hasher::read_signature_object(Done& done) {
  const SignatureObject& object = done.job.signature;
  if (object.kind != SignatureKind::none) {
    std::string text(static_cast<std::size_t>(object.size_bytes), '\0');
    wait_for_turn(shared_, text.size());
    if (object_reader(object.path, object.size_bytes, object.mtime_s).read(text) != text.size())
      throw s3::ObjectChanged("it has another size");
    done.hashes.signature = std::move(text);
    done.hashes.signature_kind = object.kind;
  }
  done.signature_ctime_ns = object.stamp();
}

// The hashes of a file hold without its signature too.
void Hasher::read_signature_of(Done& done) {
  if (shared_.tree != nullptr)
    return read_signature(*shared_.tree, done.job, done.hashes, done.signature_ctime_ns);
  const bool alone = !done.job.content;
  try {
    read_signature_object(done);
  } catch (const Stopped&) {
    if (alone) throw;
  } catch (const s3::ObjectChanged&) {
    if (alone) done.outcome = FileOutcome::changed;
  } catch (const std::runtime_error& error) {
    if (!shared_.stop && !shared_.over)
      done.signature_error = fmt::format("its signature cannot be read: {}", error.what());
    if (alone) done.outcome = FileOutcome::stopped;
  }
}

Done Hasher::run(Job job) {
  Done done;
  done.job = std::move(job);
  try {
    done.outcome = done.job.content ? read_content(done) : FileOutcome::hashed;
    if (done.outcome == FileOutcome::hashed && shared_.kinds.signature) read_signature_of(done);
  } catch (const Stopped&) {
    done.outcome = FileOutcome::stopped;
  } catch (const std::system_error& error) {
    done.outcome = FileOutcome::failed;
    done.error = "cannot be read: " + error.code().message();
  } catch (const std::exception& error) {
    done.outcome = FileOutcome::failed;
    done.error = error.what();
  }
  return done;
}

}  // namespace mirror::hash
