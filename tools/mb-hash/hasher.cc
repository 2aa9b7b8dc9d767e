#include "hasher.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <system_error>

namespace mirror::hash {
namespace {

struct Stopped {};

// Whether most of a file is in the page cache, by a few single bytes. FADV_RANDOM keeps the looking from reading ahead; a file
// system that cannot tell counts as one where nothing was.
bool is_cached(int fd, std::int64_t size_bytes) {
  constexpr std::int64_t kProbes = 8;
  const std::int64_t probes = size_bytes <= static_cast<std::int64_t>(digest::kBlockBytes) ? 1 : kProbes;
  posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  int found = 0;
  for (std::int64_t i = 0; i < probes; ++i) {
    char byte;
    const iovec into{&byte, 1};
    found += preadv2(fd, &into, 1, (2 * i + 1) * size_bytes / (2 * probes), RWF_NOWAIT) == 1 ? 1 : 0;
  }
  return 2 * found > probes;
}

// Reads a file in order and leaves the page cache as it was: what was not there before goes again behind the reading.
class Reader {
 public:
  Reader(Shared& shared, int fd, std::int64_t size_bytes)
      : shared_(shared), fd_(fd), size_bytes_(size_bytes), keep_(is_cached(fd, size_bytes)) {
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~Reader() {
    if (!keep_) posix_fadvise(fd_, dropped_, 0, POSIX_FADV_DONTNEED);
  }
  Reader(const Reader&) = delete;

  // Never beyond the size that the file had: one that grows faster than it is read would have no end.
  std::size_t operator()(std::span<char> into) {
    if (shared_.stop || shared_.over) throw Stopped();
    const auto wanted =
        static_cast<std::size_t>(std::min<std::int64_t>(static_cast<std::int64_t>(into.size()), size_bytes_ - at_));
    shared_.throttle.take(static_cast<std::int64_t>(wanted));
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

Hasher::Hasher(Shared& shared, std::size_t ring_blocks, Board board)
    : shared_(shared), board_(std::move(board)), ring_(ring_blocks * digest::kBlockBytes, '\0'), lanes_(shared.kinds) {}

// false: it ended before its size.
bool Hasher::read_blocks(const Descriptor& file, std::int64_t size_bytes) {
  Reader reader(shared_, file.get(), size_bytes);
  const std::vector<digest::Lane*>& lanes = lanes_.start(size_bytes);
  if (size_bytes <= static_cast<std::int64_t>(digest::kBlockBytes)) {
    const std::size_t length = reader({ring_.data(), digest::kBlockBytes});
    for (digest::Lane* lane : lanes) lane->add({ring_.data(), length});
    return reader.bytes() == size_bytes;
  }
  const auto pass = std::make_shared<digest::SharedPass>(lanes, ring_, board_.wake);
  board_.publish(pass);
  try {
    pass->run([&](std::span<char> into) { return reader(into); });
  } catch (...) {
    board_.withdraw(pass);
    throw;
  }
  board_.withdraw(pass);
  return reader.bytes() == size_bytes;
}

Outcome Hasher::read_content(Done& done) {
  const std::string& path = done.job.target.path;
  const Descriptor file = shared_.tree.open_file(path);
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV || errno == ENXIO) return Outcome::gone;
    if (errno == EAGAIN) return Outcome::changed;  // openat2: a rename raced with the way there
    throw std::system_error(errno, std::generic_category());
  }
  const auto look = [&] {
    struct stat found {};
    if (fstat(file.get(), &found) != 0) throw std::system_error(errno, std::generic_category());
    return status_of(found);
  };
  const FileStatus before = look();
  if (!before.regular) return Outcome::gone;
  if (!before.same_content(done.job.status)) return Outcome::changed;
  const bool whole = read_blocks(file, before.size_bytes);
  if (!whole || !look().same_content(before)) return Outcome::changed;
  done.hashes = lanes_.finish();
  digest::add_info_hashes(done.hashes, path, before.size_bytes);
  return Outcome::hashed;
}

Done Hasher::run(Job job) {
  Done done;
  done.job = std::move(job);
  try {
    done.outcome = done.job.content ? read_content(done) : Outcome::hashed;
    if (done.outcome == Outcome::hashed && shared_.kinds.signature) {
      Signature signature = shared_.tree.read_signature(done.job.target.path);
      done.hashes.signature = std::move(signature.text);
      done.hashes.signature_kind = signature.kind;
      done.signature_ctime_ns = signature.ctime_ns;
    }
  } catch (const Stopped&) {
    done.outcome = Outcome::stopped;
  } catch (const std::system_error& error) {
    done.outcome = Outcome::failed;
    done.error = "cannot be read: " + error.code().message();
  } catch (const std::exception& error) {
    done.outcome = Outcome::failed;
    done.error = error.what();
  }
  return done;
}

}  // namespace mirror::hash
