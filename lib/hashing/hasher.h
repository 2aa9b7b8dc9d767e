// Reads one file and hashes it. One Hasher belongs to one thread; others help through the passes
// that it publishes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "db/hash/known_hashes.h"
#include "digest/digest.h"
#include "digest/shared_pass.h"
#include "hashing/throttle.h"
#include "hashing/tree.h"
#include "net/fetcher.h"
#include "s3/object.h"

namespace mirror::hash {

enum class FileOutcome : std::uint8_t {
  hashed,
  changed,  // while it was read, or since it was looked at: to be done again
  gone,     // not a regular file any more
  failed,   // `error` says why
  stopped,
};

struct Job {
  db::HashTarget target;
  FileStatus status;               // with which it was chosen
  bool content = true;             // false: only the signature is read
  bool is_signed = true;           // false: there is no signature to read
  SignatureObject signature = {};  // of a bucket
  int attempts = 0;
};

struct Done {
  Job job;
  FileOutcome outcome = FileOutcome::failed;
  std::string error, signature_error;
  FileHashes hashes;
  std::optional<std::int64_t> signature_ctime_ns;
};

// Reads the signature beside the job's file, or notes that there is none.
void read_signature(const SourceTree& tree, const Job& job, FileHashes& hashes,
                    std::optional<std::int64_t>& ctime_ns);

// What the threads share.
struct Shared {
  const SourceTree* tree;  // nullptr: the source lies in a bucket,
  s3::Folder* bucket;      // this one
  HashKinds kinds;
  Throttle throttle;
  const std::atomic<bool>& stop;
  std::atomic<bool> over{false};  // the pool is ending, whatever the reason
  std::atomic<std::int64_t> bytes_read{0};
};

class Hasher {
 public:
  using Pass = std::shared_ptr<digest::SharedPass>;
  // Shows a pass to helpers, or takes it from them.
  struct Board {
    std::function<void(const Pass&)> publish, withdraw;
    std::function<void()> wake;
  };
  Hasher(Shared& shared, std::size_t ring_blocks, Board board);
  Done run(Job job);

 private:
  using Read = std::function<std::size_t(std::span<char> into)>;
  FileOutcome read_content(Done& done);
  FileOutcome read_object(Done& done);
  void read_signature_of(Done& done);
  void read_signature_object(Done& done);
  s3::ObjectReader object_reader(const std::string& path, std::int64_t size_bytes,
                                 std::int64_t mtime_s);
  bool read_block(int fd, std::int64_t size_bytes);
  bool read_file(int fd, std::int64_t size_bytes);
  void read_blocks(const Read& read, std::int64_t size_bytes);
  Shared& shared_;
  Board board_;
  std::string ring_;
  digest::Lanes lanes_;
  std::optional<net::Fetcher> fetcher_;  // of objects
};

}  // namespace mirror::hash
