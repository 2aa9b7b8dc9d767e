# Makes lib/db/schema_sql.cc from the files of sql/: awk -f embed.awk schema.sql grants.sql migrations/NNNN-*.sql
# A migration's number is its file name's; they must count up from 2 without a gap.
function fail(message) { print "embed.awk: " message > "/dev/stderr"; failed = 1; exit 1 }
function open_text(name) {
  close_text()
  if (name == "schema.sql") printf "const char* const kSchemaSql = R\"sql("
  else if (name == "grants.sql") printf "const char* const kGrantsSql = R\"sql("
  else if (name ~ /^[0-9][0-9][0-9][0-9]-[a-z0-9-]+\.sql$/) {
    if (substr(name, 1, 4) + 0 != ++last) fail(name " does not follow migration " last - 1)
    end_migration()
    file = substr(name, 1, length(name) - 4); oldest = last
    printf "const char* const kMigration%d = R\"sql(", last
  } else fail("unexpected file name " name)
  opened = 1
}
function end_migration() {
  if (file) migrations = migrations sprintf("    {%d, \"%s\", kMigration%d, %d},\n", substr(file, 1, 4), file, substr(file, 1, 4), oldest)
}
function close_text() { if (opened) print ")sql\";"; opened = 0 }
BEGIN {
  last = 1
  print "// Generated from sql/ by sql/embed.awk.\n#include \"db/schema_sql.h\"\n\nnamespace mirror::db {"
}
FNR == 1 { name = FILENAME; sub(/.*\//, "", name); open_text(name) }
index($0, ")sql\"") { fail(FILENAME ": the text may not hold )sql\"") }
file && /^-- oldest program: [0-9]+$/ { oldest = $4; if (oldest < 2 || oldest > last) fail(FILENAME ": no such program") }
{ print }
END {
  if (failed) exit 1
  end_migration()
  close_text()
  print "const std::vector<Migration>& embedded_migrations() {"
  print "  static const std::vector<Migration> migrations = {\n" migrations "  };\n  return migrations;\n}"
  print "}  // namespace mirror::db"
}
