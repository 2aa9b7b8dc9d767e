#include "scanner/probe/source_tree.h"

#include <filesystem>
#include <system_error>

namespace mirror::probe {

bool is_deleted(const std::string& source, const std::string& path) {
  namespace fs = std::filesystem;
  if (!source.starts_with('/')) return false;
  std::error_code error;
  const bool has_files = fs::directory_iterator(source, error) != fs::directory_iterator();
  if (error || !has_files) return false;
  const fs::file_status status = fs::symlink_status(fs::path(source) / path, error);
  return status.type() == fs::file_type::not_found;
}

bool source_has(const std::string& source, const std::string& path) {
  namespace fs = std::filesystem;
  if (!source.starts_with('/')) return false;
  std::error_code error;
  return fs::exists(fs::symlink_status(fs::path(source) / path, error));
}

bool source_has(const std::string& source, const std::string& path, std::int64_t size_bytes) {
  namespace fs = std::filesystem;
  if (!source.starts_with('/')) return false;
  std::error_code error;
  const std::uintmax_t size = fs::file_size(fs::path(source) / path, error);
  return !error && size == static_cast<std::uintmax_t>(size_bytes);
}

}  // namespace mirror::probe
