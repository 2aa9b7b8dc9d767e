// Whether an object is the present version of the source's file, as far as its listing and an
// answer to HEAD tell. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/hashes.h"
#include "db/merge/known_files.h"
#include "net/request_pool.h"
#include "scanner/s3/list_page.h"

namespace mirror::scanner::s3 {

// Before any file's version, so that what is listed with it is another one.
inline constexpr std::int64_t kOtherVersion_s = 0;

// The MD5 sum that an ETag may be, 16 bytes; nullopt: it is none, as of objects that were uploaded
// in parts. Objects that a key service encrypts have ETags that only look so.
std::optional<std::string> md5_of_etag(const std::string& etag);

enum class Verdict : std::uint8_t {
  as_listed,  // size and time of the upload say all
  same,       // it is the present version
  ask         // its content differs, or an earlier version had the same size: a HEAD tells more
};
Verdict judge(const ListedObject& object, const db::KnownFile& known, const std::string& md5);

// The time that the object is to be listed with, after an answer to HEAD. `md5` as before.
std::int64_t time_after_head(const ListedObject& object, const std::string& md5,
                             const net::PoolAnswer& answer);

}  // namespace mirror::scanner::s3
