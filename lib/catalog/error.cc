#include "catalog/error.h"

#include <lmdb.h>

#include <cerrno>

namespace mirror::catalog {

namespace {

std::string text_of(int code) {
  switch (code) {
    case 0:
      return "";
    case kCrashes:
      return ": it counts as damaged";
    case MDB_MAP_FULL:
      return ": the catalog is full, raise MirrorCatalogMaxSize";
    case MDB_MAP_RESIZED:
      return ": it is damaged, or another process made it larger than MirrorCatalogMaxSize says "
             "here";
    case MDB_READERS_FULL:
      return ": all of its reader slots are in use";
    default:
      return std::string(": ") + mdb_strerror(code);
  }
}

}  // namespace

Error::Error(const std::string& what, int code)
    : std::runtime_error(what + text_of(code)), code_(code) {}

bool Error::full() const {
  return code_ == ENOSPC || code_ == EDQUOT || code_ == EFBIG || code_ == MDB_MAP_FULL;
}

bool Error::corrupt() const {
  return code_ == MDB_CORRUPTED || code_ == MDB_PAGE_NOTFOUND || code_ == MDB_INVALID ||
         code_ == MDB_VERSION_MISMATCH || code_ == MDB_PANIC || code_ == MDB_INCOMPATIBLE ||
         code_ == MDB_BAD_VALSIZE || code_ == MDB_MAP_RESIZED || code_ == MDB_CURSOR_FULL ||
         code_ == MDB_PAGE_FULL || code_ == MDB_BAD_TXN || code_ == kCrashes;
}

void throw_damaged(const std::string& file, const std::string& thing) {
  throw Error(file + ": the record of a " + thing + " is damaged", MDB_CORRUPTED);
}

void check(int code, const std::string& what) {
  if (code != 0) throw Error(what, code);
}

}  // namespace mirror::catalog
