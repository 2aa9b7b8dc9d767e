#include "rest.h"

#include <algorithm>
#include <cstring>
#include <exception>

namespace mirror::httpd {
namespace {

// In the pool. The bucket's start is the offset.
struct Rest {
  apr_bucket_refcount count;  // first, as apr_bucket_shared_make wants it
  RestReader* reader;
};

void destroy(void* data) noexcept { apr_bucket_shared_destroy(data); }

bool read_piece(const RestReader& reader, std::int64_t offset, char* room,
                apr_size_t bytes) noexcept {
  try {
    const std::string piece = reader(offset, static_cast<std::int64_t>(bytes));
    if (piece.size() != bytes) return false;
    std::memcpy(room, piece.data(), bytes);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

// As APR reads its file buckets: this one becomes a piece in memory, another one for what follows
// is put behind it.
apr_status_t read(apr_bucket* bucket, const char** text, apr_size_t* length,
                  apr_read_type_e) noexcept {
  auto* rest = static_cast<Rest*>(bucket->data);
  const apr_size_t bytes = std::min<apr_size_t>(bucket->length, kPieceBytes);
  auto* room = static_cast<char*>(apr_bucket_alloc(bytes, bucket->list));
  if (!read_piece(*rest->reader, bucket->start, room, bytes)) {
    apr_bucket_free(room);
    return APR_EGENERAL;
  }
  if (bucket->length > bytes) apr_bucket_split(bucket, bytes);
  apr_bucket_shared_destroy(rest);
  apr_bucket_heap_make(bucket, room, bytes, apr_bucket_free);
  *text = room;
  *length = bytes;
  return APR_SUCCESS;
}

const apr_bucket_type_t kRestType = {"MIRROR_REST",
                                     5,
                                     apr_bucket_type_t::APR_BUCKET_DATA,
                                     destroy,
                                     read,
                                     apr_bucket_setaside_notimpl,
                                     apr_bucket_shared_split,
                                     apr_bucket_shared_copy};

}  // namespace

apr_bucket* make_rest_bucket(apr_pool_t* pool, apr_bucket_alloc_t* buckets, RestReader reader,
                             std::int64_t offset, std::int64_t bytes) {
  auto* rest = pool_new<Rest>(pool);
  rest->reader = pool_new<RestReader>(pool, std::move(reader));
  auto* bucket = static_cast<apr_bucket*>(apr_bucket_alloc(sizeof(apr_bucket), buckets));
  APR_BUCKET_INIT(bucket);
  bucket->free = apr_bucket_free;
  bucket->list = buckets;
  bucket = apr_bucket_shared_make(bucket, rest, offset, static_cast<apr_size_t>(bytes));
  bucket->type = &kRestType;
  return bucket;
}

}  // namespace mirror::httpd
