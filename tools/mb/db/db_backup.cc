// mb db backup, mb db restore: PostgreSQL's pg_dump and pg_restore with what matters of ours.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "db/schema.h"
#include "db/session.h"
#include "os/descriptor.h"
#include "tools/mb/commands.h"
#include "tools/mb/db/db_programs.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

// Who works at the moment: of no use later, or on another host.
constexpr const char* kPassing[] = {"scan_lock", "scan_worker", "redirector"};

std::vector<std::string> dump_words() {
  std::vector<std::string> words = {"pg_dump", "--format=custom", "--no-owner", "--no-privileges",
                                    fmt::format("--schema={}", db::kSchemaName)};
  for (const char* table : kPassing)
    words.push_back(fmt::format("--exclude-table-data={}.{}", db::kSchemaName, table));
  return words;
}

// The file gets its name when it is whole and on the disk, so that one that is there already is
// never lost to a broken one.
class NewFile {
 public:
  // What an earlier backup left, which was killed, is written over.
  explicit NewFile(const std::string& name) : name_(name), part_(name + ".part") {
    fd_ = Descriptor(
        ::open(part_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (fd_.get() < 0) throw cannot("create", part_);
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0)
      throw Failure(fmt::format("another backup is writing {}", part_));
    if (::fchmod(fd_.get(), S_IRUSR | S_IWUSR) != 0) throw cannot("create", part_);
    ours_ = true;
  }
  ~NewFile() {
    if (ours_) ::unlink(part_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  const std::string& path() const { return part_; }
  // Its size in bytes.
  std::int64_t keep() {
    struct stat status {};
    if (::fsync(fd_.get()) != 0 || ::fstat(fd_.get(), &status) != 0 ||
        ::rename(part_.c_str(), name_.c_str()) != 0)
      throw cannot("write", name_);
    ours_ = false;
    const std::size_t slash = name_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : name_.substr(0, slash + 1);
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.get() < 0 || ::fsync(opened.get()) != 0) throw cannot("write", folder);
    return status.st_size;
  }

 private:
  static Failure cannot(const char* what, const std::string& name) {
    return Failure(fmt::format("cannot {} {}: {}", what, name, std::strerror(errno)));
  }
  const std::string name_, part_;
  Descriptor fd_;
  bool ours_ = false;
};

void require_success(int status, const char* program, const char* consequence) {
  if (status != 0)
    throw Failure(fmt::format("{} failed with exit status {}: {}", program, status, consequence));
}

int backup(Context& context, const std::string& file) {
  db::require_schema(context.database_of_any_schema());
  db::require_owner(context.database());
  std::vector<std::string> words = dump_words();
  if (file == "-") {
    if (::isatty(STDOUT_FILENO)) throw UsageError("db backup: a backup is no text for a terminal");
    require_success(run_postgres_program(context, words), "pg_dump", "the backup is not whole");
    return kSuccess;
  }
  NewFile made(file);
  words.push_back("--file=" + made.path());
  require_success(run_postgres_program(context, words), "pg_dump", "there is no new backup");
  const std::int64_t bytes = made.keep();
  say(fmt::format("{}: schema {}, {}", file, db::known_schema_version(), bytes_text(bytes)));
  return kSuccess;
}

int restore(Context& context, const std::string& file) {
  if (file != "-" && ::access(file.c_str(), R_OK) != 0)
    throw Failure(fmt::format("cannot read {}: {}", file, std::strerror(errno)));
  db::Connection& connection = context.database_of_any_schema();
  db::prepare_restore(connection);
  const std::string database =
      std::string(connection.run("SELECT current_database()::text").bytes(0, 0));
  std::vector<std::string> words = {
      "pg_restore",          "--no-owner",           "--no-privileges",
      "--exit-on-error",     "--single-transaction", fmt::format("--schema={}", db::kSchemaName),
      "--dbname=" + database};
  if (file != "-") words.push_back(file);
  require_success(run_postgres_program(context, words), "pg_restore",
                  "the database has no tables, as before");
  for (const std::string& line : db::finish_restore(connection)) say(line);
  say(fmt::format("{}: read in", file == "-" ? "standard input" : file));
  return kSuccess;
}

}  // namespace

Action setup_db_backup(cli::Options& app, Context& context) {
  auto file = std::make_shared<std::string>();
  app.add_option("file", *file, "The file to write; - for standard output")
      ->required()
      ->type_name("FILE");
  return [&context, file] { return backup(context, *file); };
}

Action setup_db_restore(cli::Options& app, Context& context) {
  auto file = std::make_shared<std::string>();
  app.add_option("file", *file, "A file from mb db backup; - for standard input")
      ->required()
      ->type_name("FILE");
  return [&context, file] { return restore(context, *file); };
}

}  // namespace mirror::mb
