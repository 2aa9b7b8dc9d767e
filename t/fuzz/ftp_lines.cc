#include "scanner/ftp/ftp_lines.h"

#include "fuzz.h"
#include "scanner/ftp/ftp_site.h"

using namespace mirror;
using namespace mirror::scanner::ftp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool is_mlsd : {true, false}) {
    const FtpFolder folder = read_folder(text, is_mlsd, 1'795'000'000);
    require(folder.fault.empty() || folder.entries.empty());
    for (const FtpEntry& entry : folder.entries) {
      const std::string& name = entry.entry.path;
      require(!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
              name.find('\n') == std::string::npos);
      require(entry.entry.size_bytes >= 0);
    }
  }
  mirror::net::FtpAnswer answer;
  answer.replies = text;
  answer.login_folder = text;
  const std::string folder = read_site(answer, text).folder(text);
  require(folder.empty() || folder.ends_with('/'));
  return 0;
}
